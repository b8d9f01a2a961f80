import { testFamily } from "../../support/families.ts";

await testFamily("special_more");

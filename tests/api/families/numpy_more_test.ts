import { testFamily } from "../../support/families.ts";

await testFamily("numpy_more");

import { testFamily } from "../../support/families.ts";

await testFamily("gamma");

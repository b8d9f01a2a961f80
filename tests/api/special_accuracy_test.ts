/**
 * Special functions are as accurate as their documentation says, over their whole range.
 *
 * @module
 */
import { orders } from "./accuracy/orders.ts";
import { testAccuracy } from "../support/accuracy.ts";
import { gamma } from "./accuracy/gamma.ts";
import { hypergeometric } from "./accuracy/hypergeometric.ts";
import { incompleteBeta } from "./accuracy/incomplete_beta.ts";
import { incompleteGamma } from "./accuracy/incomplete_gamma.ts";
import { more } from "./accuracy/more.ts";

await testAccuracy("gamma", gamma);
await testAccuracy("more", more);
await testAccuracy("incomplete_gamma", incompleteGamma);
await testAccuracy("incomplete_beta", incompleteBeta);
await testAccuracy("hypergeometric", hypergeometric);
await testAccuracy("orders", orders);

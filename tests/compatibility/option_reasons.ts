/**
 * Why options of JAX's functions have no counterpart here, and which are called otherwise; the first that
 * fits is the reason. Options without a reason are open.
 *
 * @module
 */

/** A pattern of options of some functions, and the reason. */
export interface OptionReason {
  /** The functions, with their modules, as `numpy.sum`; all where left out. */
  readonly functions?: RegExp;
  /** The options. */
  readonly options: RegExp;
  /** What the table says. */
  readonly reason: string;
}

const sameResult = "chooses between algorithms of one result";
const promise = "a promise that allows XLA to leave out work";

/** Options that have no meaning here. */
export const never: readonly OptionReason[] = [
  { options: /^(out|inplace|overwrite_\w+)$/, reason: "arrays never change" },
  {
    options:
      /^(\w*sharding|sharding|in_shardings|out_shardings|device|spmd_axis_name|axis_env|sum_match|to)$/,
    reason: "for several devices",
  },
  {
    options: /^(precision|accuracy)$/,
    reason: "products and functions are computed in the precision of their dtype",
  },
  {
    functions: /^numpy\.(astype|asarray|reshape|nan_to_num|meshgrid|array)$/,
    options: /^copy$/,
    reason: "arrays never change, so that a copy makes no difference",
  },
  {
    functions:
      /^numpy\.(add|subtract|multiply|negative|maximum|minimum|logaddexp2?|bitwise_\w+|logical_\w+)$/,
    options: /^where$/,
    reason: "JAX refuses it too",
  },
  { options: /^(holomorphic|conjugate)$/, reason: "there are no complex numbers" },
  {
    options: /^(assume_unique\w*|unique_indices|indices_are_sorted|check_finite)$/,
    reason: promise,
  },
  { functions: /^numpy\.(digitize|searchsorted|isin)$/, options: /^method$/, reason: sameResult },
  {
    functions: /^linalg\.slogdet|^numpy\.linalg\.slogdet$/,
    options: /^method$/,
    reason: sameResult,
  },
  {
    functions: /^scipy\.linalg\.(solve_sylvester|sqrtm)$/,
    options: /^(method|blocksize)$/,
    reason: sameResult,
  },
  {
    functions: /^scipy\.linalg\./,
    options: /^(lwork|debug|turbo|lapack_driver)$/,
    reason: "of LAPACK, and JAX ignores it",
  },
  {
    functions: /^scipy\.linalg\.(polar|expm_frechet)$/,
    options: /^(method|eps|max_iterations)$/,
    reason: sameResult,
  },
  { functions: /^nn\./, options: /^implementation$/, reason: sameResult },
  {
    functions: /^scipy\.linalg\.eigh_tridiagonal$/,
    options: /^(tol|key)$/,
    reason: "of bisection and of random starts, which there are none of",
  },
  { functions: /^scipy\.linalg\.funm$/, options: /^disp$/, reason: "prints a warning" },
  { functions: /^scipy\.linalg\.expm$/, options: /^upper_triangular$/, reason: sameResult },
  { functions: /^scipy\.special\.log_ndtr$/, options: /^series_order$/, reason: sameResult },
  {
    functions: /^scipy\.linalg\.eigh$/,
    options: /^(b|eigvals|type)$/,
    reason: "JAX refuses it too",
  },
  {
    functions: /^tree(_util)?\.(tree_)?map(_with_path)?$/,
    options: /^is_leaf(_takes_path)?$/,
    reason: "of `tree.mapWith`, whose options come first, since trees may follow without end",
  },
  {
    functions: /^numpy\.einsum$/,
    options: /^optimize$/,
    reason: "einsum chooses the order itself",
  },
  {
    functions: /^numpy\.(polyval)$|^random\.multinomial$/,
    options: /^unroll$/,
    reason: sameResult,
  },
  {
    functions: /^numpy\.where$/,
    options: /^(size|fill_value)$/,
    reason: "of one argument, which is `nonzero`",
  },
  {
    functions: /^numpy\.gradient$|^scipy\.special\.factorial$/,
    options: /^(edge_order|exact)$/,
    reason: "JAX refuses it too",
  },
  {
    functions: /^numpy\.(argsort|ravel_multi_index)$/,
    options: /^dtype$/,
    reason: "indices are int32",
  },
  {
    functions: /^numpy\.(array|asarray|copy)$/,
    options: /^order$/,
    reason: "arrays are in row-major order",
  },
  {
    functions: /^numpy\.(sum|prod)$/,
    options: /^promote_integers$/,
    reason: "there are no integers narrower than 32 bits",
  },
  {
    functions: /^numpy\.(arg)?sort$/,
    options: /^(kind|stable|order)$/,
    reason: "sorting is stable",
  },
  { functions: /^lax\.sort_key_val$/, options: /^is_stable$/, reason: "sorting is stable" },
  { functions: /^numpy\.clip$/, options: /^arr$/, reason: "deprecated in JAX" },
  { functions: /^lax\.(cond|switch)$/, options: /^operand$/, reason: "deprecated in JAX" },
  {
    functions: /^random\.(key|wrap_key_data)$/,
    options: /^(impl|dtype)$/,
    reason: "keys have one kind",
  },
  {
    functions: /^(jit|checkpoint|remat)$/,
    options: /^(fun|keep_unused|inline|compiler_options|prevent_cse|concrete)$/,
    reason: "of XLA's compiler, or of Python's decorators",
  },
  { options: /^reduce_axes$/, reason: "JAX refuses it too" },
  {
    functions: /^lax\.ragged_dot(_general)?$/,
    options: /^group_offset$/,
    reason: "JAX refuses it too",
  },
  {
    functions: /^lax\.dynamic_/,
    options: /^allow_negative_indices$/,
    reason: promise,
  },
  {
    functions: /^lax\./,
    options: /^axis_index_groups$/,
    reason: "for several devices; JAX refuses it under `vmap`",
  },
  {
    functions: /^(grad|jacobian|jacrev|value_and_grad)$/,
    options: /^allow_int$/,
    reason: "gradients of integers have a dtype, float0, that there is not",
  },
  { functions: /^scipy\.stats\./, options: /^nan_policy$/, reason: 'JAX knows only "propagate"' },
  {
    functions: /^tree_util\.register_pytree_(node|with_keys)$/,
    options: /^(flatten_with_keys_func|flatten_func)$/,
    reason: "there is a function for each of the two ways",
  },
  { functions: /^numpy\.histogram_bin_edges$/, options: /^weights$/, reason: "unused in JAX" },
  {
    functions: /^scipy\.optimize\.minimize$/,
    options: /^args$/,
    reason: "functions close over what they read",
  },
];

/** What options are called here, where it is something else. */
export const otherNames: readonly {
  readonly functions: RegExp;
  readonly option: string;
  readonly here: string;
}[] = [
  { functions: /^lax\.collapse$/, option: "stop_dimension", here: "stop" },
  { functions: /^numpy\.linalg\.pinv$/, option: "rcond", here: "rtol" },
  { functions: /^numpy\.linalg\.matrix_rank$/, option: "tol", here: "rtol" },
  { functions: /^scipy\.linalg\.cholesky$/, option: "lower", here: "upper" },
  { functions: /^scipy\.linalg\.eigh$/, option: "lower", here: "uplo" },
  { functions: /^tree(_util)?\.(tree_)?reduce$/, option: "initializer", here: "initial" },
  { functions: /^scipy\.optimize\.minimize$/, option: "tol", here: "rtol" },
];

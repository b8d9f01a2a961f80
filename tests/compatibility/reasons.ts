/**
 * Why names of JAX have no counterpart here, by module and pattern; the first that fits is the reason.
 *
 * `never` reasons say that a name has no meaning here, so that it does not count; names without a reason are
 * open.
 *
 * @module
 */

/** A pattern of names in some modules, and the reason. */
export interface Reason {
  /** The modules; all where left out. */
  readonly modules?: RegExp;
  /** The names. */
  readonly names: RegExp;
  /** What the table says. */
  readonly reason: string;
}

const noComplex = "there are no complex numbers";
const dtypeNames = 'dtypes are strings: "float32", "float64", "int32", "uint32", "bool"';
const oneDevice = "for several devices or processes";
const ofPython = "of Python's files, objects or printing";
const ofTypes = "a type; TypeScript has it in signatures";

/** Names that have no meaning here. */
export const never: readonly Reason[] = [
  { modules: /^jax\.lax$/, names: /_p$/, reason: "a primitive, reached by its function" },
  { modules: /^jax\.random$/, names: /_p$/, reason: "a primitive, reached by its function" },
  {
    modules: /^jax\.numpy$/,
    names: /^(complex\w*|csingle|cdouble|ComplexWarning)$/,
    reason: noComplex,
  },
  {
    names: /^(angle|conj|conjugate|imag|real|complex|iscomplex(obj)?|isreal(obj)?|sort_complex)$/,
    reason: noComplex,
  },
  { modules: /^jax\.scipy\.special$/, names: /^(wofz|sph_harm_y)$/, reason: noComplex },
  { modules: /^jax\.scipy\.linalg$/, names: /^rsf2csf$/, reason: noComplex },
  {
    modules: /^jax\.numpy$/,
    names:
      /^(b?float\d+(_\w+)?|bool_?|double|single|u?int(\d+|_)?|float_|object_|character|generic|number|inexact|(un)?signedinteger|integer|floating|flexible|dtype)$/,
    reason: dtypeNames,
  },
  {
    modules: /^jax\.numpy$/,
    names: /^(can_cast|isdtype|issubdtype)$/,
    reason: "dtypes are strings, and five",
  },
  { modules: /^jax(\.lax)?$/, names: /^(dtype|dtypes|float0)$/, reason: dtypeNames },
  {
    modules: /^jax\.numpy$/,
    names:
      /^(array_repr|array_str|get_printoptions|set_printoptions|printoptions|load|save|savez|from(buffer|file|iter|string|_dlpack)|iterable)$/,
    reason: ofPython,
  },
  {
    modules: /^jax\.numpy$/,
    names: /^(c_|r_|s_|index_exp|mgrid|ogrid|ix_)$/,
    reason: "Python's indexing as a way to write arrays",
  },
  { modules: /^jax\.numpy$/, names: /^(frompyfunc|ufunc)$/, reason: ofPython },
  {
    modules: /^jax\.numpy$/,
    names: /^(packbits|unpackbits)$/,
    reason: "there are no bytes as a dtype",
  },
  { modules: /^jax\.numpy$/, names: /^(einsum_path)$/, reason: "einsum chooses the order itself" },
  { modules: /^jax\.numpy$/, names: /^ndarray$/, reason: "`NDArray`, in the main module" },
  {
    modules: /^jax\.lax$/,
    names: /^([A-Z]\w*|.*_(shape_tuple|permutations)|padtype_to_pads)$/,
    reason: ofTypes,
  },
  { modules: /^jax\.lax$/, names: /^(PrecisionLike)$/, reason: ofTypes },
  { modules: /^jax\.image$/, names: /^ResizeMethod$/, reason: ofTypes },
  {
    modules: /^jax\.lax$/,
    names:
      /^(after_all|create_token|optimization_barrier|composite|platform_dependent|dce_sink|stage|shape_as_value|rng_uniform|scaled_dot|precv|psend|pshuffle|pbroadcast|pcast|ragged_all_to_all|with_sharding_constraint)$/,
    reason: "for XLA's compiler or for several devices",
  },
  {
    modules: /^jax\.nn$/,
    names: /^(scaled_dot_general|scaled_matmul|get_scaled_dot_general_config)$/,
    reason: "for float8, which there is not",
  },
  { modules: /^jax\.nn\.initializers$/, names: /^Initializer$/, reason: ofTypes },
  {
    modules: /^jax\.random$/,
    names: /^(key_impl|PRNGKey|key_dtype)$/,
    reason: "keys have one kind",
  },
  {
    modules: /^jax\.tree_util$/,
    names:
      /^(Partial|default_registry|register_pytree_node_class|register_pytree_with_keys_class)$/,
    reason: "a decorator or a registry of Python",
  },
  {
    modules: /^jax\.tree$/,
    names: /^static$/,
    reason: "of Python's dataclasses; `registerDataclass` has `metaFields`",
  },
  {
    modules: /^jax\.lax$/,
    names: /^(rng_bit_generator)$/,
    reason: "a generator of XLA's, which differs between devices; `random.bits` does not",
  },
  {
    modules: /^jax\.lax$/,
    names: /^fft$/,
    reason: "of complex numbers; `./fft` has pairs of arrays",
  },
  { modules: /^jax\.tree(_util)?$/, names: /^(KeyEntry|KeyPath)$/, reason: ofTypes },
  {
    modules: /^jax$/,
    names:
      /^(pmap|shard_map|smap|.*sharding.*|Named\w+|P|Shard|Device|Ref|.*_ref|freeze|reshard|set_mesh|make_\w+|.*mesh\w*|(local_)?device\w*|process_\w+|host_\w+|copy_to_host_async|auto_pcast|default_(device|backend|prng_impl|matmul_precision)|memory)$/i,
    reason: oneDevice,
  },
  {
    modules: /^jax$/,
    names:
      /^(config|enable_\w+|debug_\w+|no_\w+|check_\w+|explain_\w+|log_compiles|legacy_\w+|threefry_\w+|transfer_\w+|thread_guard|allow_\w+|numpy_\w+|softmax_custom_jvp|jax2tf_\w+|array_garbage\w+|print_environment_info|live_arrays|clear_caches|effects_barrier|ad|Array|typeof|ensure_compile_time_eval|ds|disable_jit|checking_leaks)$/,
    reason: "a setting or a tool of its runtime",
  },
];

/** Names that stand for something of another name here, by module. */
export const otherNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "jax.numpy": { bitwise_invert: "invert", row_stack: "vstack" },
  "jax.lax": {
    while_loop: "whileLoop",
    switch: "switchCase",
  },
  "jax.scipy.interpolate": { RegularGridInterpolator: "regularGridInterpolator" },
  "jax.scipy.optimize": { minimize: "minimise", OptimizeResults: "Solution" },
  "jax.scipy.spatial.transform": { Slerp: "slerp" },
  "jax.scipy.stats": {},
  "jax.tree_util": { PyTreeDef: "TreeDef" },
  "jax": {
    block_until_ready: "ready",
    ShapeDtypeStruct: "ShapeDtype",
    make_jaxpr: "makeJaxpr",
    eval_shape: "evalShape",
  },
};

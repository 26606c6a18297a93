"""What has no row, and why: names by namespace and reason, and primitives."""

from __future__ import annotations

SPACES = (
    "numpy", "numpy.fft", "numpy.linalg", "lax", "lax.linalg", "nn", "nn.initializers", "random",
    "scipy.linalg", "scipy.special", "scipy.signal", "scipy.fft", "scipy.ndimage", "scipy.interpolate",
    "scipy.integrate", "scipy.optimize", "scipy.cluster.vq", "scipy.sparse.linalg",
    "scipy.spatial.transform", "scipy.stats",
    *(f"scipy.stats.{name}" for name in (
        "bernoulli", "beta", "betabinom", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "gennorm", "geom",
        "gumbel_l", "gumbel_r", "laplace", "logistic", "multinomial", "multivariate_normal", "nbinom", "norm",
        "pareto", "poisson", "t", "truncnorm", "uniform", "vonmises", "wrapcauchy",
    )),
)  # fmt: skip

EXCEPTIONS: dict[str, dict[str, str]] = {
    "numpy.linalg": {"a class": "EigResult EighResult QRResult SVDResult SlogdetResult"},
    "numpy": {
        "a dtype or a class of dtypes": """
            bfloat16 bool bool_ cdouble character complex128 complex64 complex_ complexfloating csingle double dtype
            flexible float16 float32 float64 float_ floating generic inexact int16 int32 int64 int8 int_ integer number
            object_ signedinteger single uint uint16 uint32 uint64 uint8 unsignedinteger
        """,
        "a class": "ComplexWarning ndarray ufunc",
        "a number or an index, no function": "e euler_gamma inf nan newaxis pi",
        "builds indices from indices, no array arguments": "index_exp s_",
        "about dtypes, not about values": """
            can_cast finfo iinfo iscomplexobj isdtype isrealobj isscalar issubdtype promote_types result_type
        """,
        "about shapes, not about values": "broadcast_shapes einsum_path iterable ndim shape size",
        "text or files": """
            array_repr array_str from_dlpack frombuffer fromfile fromiter fromstring get_printoptions load printoptions
            save savez set_printoptions
        """,
    },
    "lax": {
        "a class": """
            AccuracyMode ConvDimensionNumbers DotAlgorithm DotAlgorithmPreset FftType GatherDimensionNumbers
            GatherScatterMode Precision RaggedDotDimensionNumbers RandomAlgorithm RoundingMethod
            ScatterDimensionNumbers Tolerance
        """,
        "a type for annotations": "ConvGeneralDilatedDimensionNumbers DotDimensionNumbers PrecisionLike",
        "about shapes, not about values": """
            broadcast_shapes conv_dimension_numbers conv_general_permutations conv_general_shape_tuple
            conv_shape_tuple conv_transpose_shape_tuple padtype_to_pads reduce_window_shape_tuple
        """,
        "about dtypes, not about values": "dtype",
        "returns nothing": "dce_sink",
    },
    "lax.linalg": {
        "a primitive itself": """
            cholesky_p eig_p eigh_p geqrf_p hessenberg_p householder_product_p lu_p lu_pivots_to_permutation_p qr_p
            schur_p svd_p triangular_solve_p tridiagonal_solve_p
        """,
    },
    "nn.initializers": {"a type for annotations": "Initializer"},
    "random": {"a class": "PRNGKeyArray", "a primitive itself": "random_gamma_p", "about dtypes": "key_dtype key_impl"},
}  # fmt: skip

# Functions of real numbers alone, by namespace: a test holds that they refuse others.
REAL = {
    "numpy": """
        arctan2 atan2 cbrt ceil clip copysign divmod fabs fix floor floor_divide fmod frexp heaviside hypot i0 interp
        kaiser ldexp median mod modf nanmedian nanpercentile nanquantile percentile quantile remainder trunc unwrap
    """,
    "lax": """
        approx_max_k approx_min_k atan2 bessel_i0e bessel_i1e betainc cbrt ceil clamp complex digamma erf erf_inv erfc
        floor igamma igamma_grad_a igammac lgamma polygamma random_gamma_grad rem round top_k zeta
    """,
    "numpy.fft": "ihfft rfft rfft2 rfftn",
    "scipy.fft": "dct dctn idct idctn",
    "scipy.special": """
        bessel_jn beta betainc betaln comb dawsn digamma entr erf erfc erfcx erfinv exp1 expi expn
        factorial fresnel gammainc gammaincc gammaln hyp1f1 hyp2f1 i0 i0e i1 i1e kl_div log_ndtr multigammaln ndtr
        ndtri owens_t poch polygamma psi rel_entr sici spence sph_harm_y zeta
    """,
}

# Primitives that are in no row's program, nor in its derivative's, by reason.
PRIMITIVES: dict[str, str] = {
    "vmap puts reductions, gathers and slices of the mapped axis in their place": "all_gather psum reduce_scatter",
    "makes an array of NumPy's one of gradcli's, before programs": "copy",
    "what a user wraps around a function or its derivative, or looks at": """
        check custom_vjp_call custom_vjp_linear custom_vmap_call debug_callback debug_print io_callback linear_call name
        pure_callback remat2
    """,
}  # fmt: skip

"""Values and derivatives of programs, written as their formulas say."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import F64, I32, INF, OPERATIONS, arrs, flat, function, pseudo


def d_case(out, name, formula, inputs, outputs):
    assert name not in out, name
    out[name] = {"formula": formula, "inputs": arrs(inputs), "outputs": arrs(outputs)}


def record_derivatives():
    out = {}

    def case(name, formula, inputs, outputs):
        outs = {k: jnp.asarray(v) for k, v in outputs.items()}
        for k, v in outs.items():
            assert v.dtype in (F64, I32), (name, k, v.dtype)
        d_case(out, name, formula, inputs, outs)

    P = lambda seed, shape, scale=1.0: jnp.asarray(pseudo(seed, shape, scale, 2), F64)
    V = lambda v: jnp.asarray(np.array(v, np.float64))

    # dense layer
    def dense(W, b, x):
        return jnp.sum(jnp.tanh(W @ x + b) ** 2)

    W, b, x = P(21, (4, 3)), P(22, (4,)), P(23, (3,))
    gW, gb, gx = jax.grad(dense, (0, 1, 2))(W, b, x)
    tW, tb, tx = P(24, (4, 3)), P(25, (4,)), P(26, (3,))
    jv, jt = jax.jvp(dense, (W, b, x), (tW, tb, tx))
    case("dense", "f(W,b,x) = sum(tanh(W @ x + b)^2); jvp tangents tW,tb,tx; hess_x = hessian wrt x; "
         "hvp_x = hess_x @ tx; jac_W_of_grad_x = jacobian wrt W of grad_x, shape [3,4,3]",
         dict(W=W, b=b, x=x, tW=tW, tb=tb, tx=tx),
         dict(value=dense(W, b, x), grad_W=gW, grad_b=gb, grad_x=gx, jvp=jt,
              hess_x=jax.hessian(dense, 2)(W, b, x),
              hvp_x=jax.jvp(lambda q: jax.grad(dense, 2)(W, b, q), (x,), (tx,))[1],
              jac_W_of_grad_x=jax.jacrev(jax.grad(dense, 2), 0)(W, b, x)))

    # two-layer network, batch, cross entropy
    def mlp(W1, b1, W2, b2, X, y):
        h = jax.nn.relu(X @ W1 + b1)
        logp = jax.nn.log_softmax(h @ W2 + b2)
        return -jnp.mean(jnp.take_along_axis(logp, y[:, None], 1))

    W1, b1, W2, b2, X = P(31, (3, 5)), P(32, (5,)), P(33, (5, 4)), P(34, (4,)), P(35, (6, 3))
    y = jnp.array([0, 3, 1, 2, 2, 0], I32)
    g = jax.grad(mlp, (0, 1, 2, 3))(W1, b1, W2, b2, X, y)
    case("mlp_cross_entropy",
         "h = relu(X @ W1 + b1); logp = log_softmax(h @ W2 + b2, last axis); f = -mean_i logp[i, y[i]]",
         dict(W1=W1, b1=b1, W2=W2, b2=b2, X=X, y=y),
         dict(value=mlp(W1, b1, W2, b2, X, y), grad_W1=g[0], grad_b1=g[1], grad_W2=g[2], grad_b2=g[3]))

    # logsumexp, softmax
    z = V([0.5, -1.2, 2.0, 0.3])
    lse = jax.scipy.special.logsumexp
    case("logsumexp", "f(x) = logsumexp(x); third = jacfwd(hessian), shape [4,4,4]", dict(x=z),
         dict(value=lse(z), grad=jax.grad(lse)(z), hess=jax.hessian(lse)(z),
              third=jax.jacfwd(jax.hessian(lse))(z)))
    zi = V([0.5, -INF, 1.0])
    case("logsumexp_neg_inf", "grad of logsumexp with one -inf entry", dict(x=zi), dict(value=lse(zi), grad=jax.grad(lse)(zi)))
    zt = V([1000.0, 0.0, 999.0])
    case("logsumexp_large", "grad and hessian of logsumexp of large entries", dict(x=zt),
         dict(value=lse(zt), grad=jax.grad(lse)(zt), hess=jax.hessian(lse)(zt)))
    case("softmax_jacobian", "J = d softmax(x) / dx; logJ = d log_softmax(x) / dx", dict(x=z),
         dict(value=jax.nn.softmax(z), J=jax.jacrev(jax.nn.softmax)(z), logJ=jax.jacfwd(jax.nn.log_softmax)(z)))

    # scan
    def rnn(W, U, h0, xs):
        def step(h, x):
            h = jnp.tanh(W @ h + U @ x)
            return h, h
        hT, hs = lax.scan(step, h0, xs)
        return jnp.sum(hs**2) + jnp.sum(hT), (hT, hs)

    W, U, h0, xs = P(41, (4, 4), 0.5), P(42, (4, 3), 0.7), P(43, (4,), 0.5), P(44, (5, 3))
    (val, (hT, hs)), g = jax.value_and_grad(rnn, (0, 1, 2, 3), has_aux=True)(W, U, h0, xs)
    tW = P(45, (4, 4))
    f0 = lambda W, U, h0, xs: rnn(W, U, h0, xs)[0]
    case("scan_rnn",
         "scan over t=0..4 of h <- tanh(W @ h + U @ xs[t]) from h0, each h also stacked into hs [5,4]; "
         "f = sum(hs^2) + sum(hT), hT = last h; jvp_W = jvp of f in W along tW; hvp_W = jvp of grad_W along tW; "
         "hess_h0 = hessian wrt h0",
         dict(W=W, U=U, h0=h0, xs=xs, tW=tW),
         dict(value=val, hT=hT, hs=hs, grad_W=g[0], grad_U=g[1], grad_h0=g[2], grad_xs=g[3],
              jvp_W=jax.jvp(lambda w: f0(w, U, h0, xs), (W,), (tW,))[1],
              hvp_W=jax.jvp(lambda w: jax.grad(f0)(w, U, h0, xs), (W,), (tW,))[1],
              hess_h0=jax.hessian(f0, 2)(W, U, h0, xs)))

    def rev(c0, xs):
        def step(c, x):
            c = jnp.sin(c) * x + c
            return c, c * x
        c, ys = lax.scan(step, c0, xs, reverse=True)
        return c * jnp.sum(ys)

    c0, s = V(0.7), V([0.5, -1.0, 1.5, 2.0])
    g = jax.grad(rev, (0, 1))(c0, s)
    case("scan_reverse", "scan with reverse=True of c <- sin(c)*x + c, y = c_new*x; f = c_final * sum(ys)",
         dict(c0=c0, xs=s), dict(value=rev(c0, s), grad_c0=g[0], grad_xs=g[1]))

    # while loop
    def newton(a):
        def cond(s):
            return jnp.abs(s[0] * s[0] - a) > 1e-9 * a
        def body(s):
            return 0.5 * (s[0] + a / s[0]), s[1] + 1
        return lax.while_loop(cond, body, (a, jnp.zeros((), I32)))

    def newton_case(name, a, fn, note):
        n = fn(a)[1]
        v, t = jax.jvp(lambda q: fn(q)[0], (a,), (jnp.ones_like(a),))
        case(name, note, dict(a=a), dict(value=v, tangent=t, iterations=n))

    note = ("while |x*x - a| > 1e-9*a: x <- 0.5*(x + a/x), n <- n+1, from x=a, n=0; value = x, iterations = n, "
            "tangent = jvp along 1 (differentiates the loop)")
    newton_case("while_newton_sqrt", V(2.0), newton, note)
    newton_case("while_newton_sqrt_vmap", V([0.01, 0.5, 1.0, 2.0, 10.0, 12345.0]), jax.vmap(newton), note + "; vmapped over a")

    def fori(x, n):
        return lax.fori_loop(0, n, lambda i, v: v * jnp.cos(v) + i.astype(F64) * x, x)

    case("fori_loop", "v=x; for i in 0..3: v <- v*cos(v) + i*x; grad (reverse), second = second derivative",
         dict(x=V(0.6)), dict(value=fori(V(0.6), 4), grad=jax.grad(fori)(V(0.6), 4),
                              second=jax.grad(jax.grad(fori))(V(0.6), 4)))

    # cond
    def branch(x, y):
        return lax.cond(x > 0, lambda x, y: jnp.sin(x) * y, lambda x, y: x**2 * jnp.exp(y), x, y)

    fm = "f(x,y) = cond(x > 0, sin(x)*y, x^2*exp(y))"
    for nm, xv in (("true", 0.8), ("false", -0.8), ("zero", 0.0)):
        a, b_ = V(xv), V(1.3)
        g = jax.grad(branch, (0, 1))(a, b_)
        case(f"cond_{nm}", fm, dict(x=a, y=b_), dict(value=branch(a, b_), grad_x=g[0], grad_y=g[1]))
    xb, yb = V([-1.0, 0.0, 0.5, 2.0]), V([0.1, 0.2, 0.3, 0.4])
    g = jax.vmap(jax.grad(branch, (0, 1)))(xb, yb)
    case("cond_vmap", fm + "; vmap of f and of grad f over both", dict(x=xb, y=yb),
         dict(value=jax.vmap(branch)(xb, yb), grad_x=g[0], grad_y=g[1]))

    def sw(i, x):
        return lax.switch(i, [lambda x: x**2, lambda x: jnp.exp(x), lambda x: -3.0 * x], x)

    i = jnp.array([-1, 0, 1, 2, 7], I32)
    case("switch", "switch(i, [x^2, exp(x), -3x]) at x for each i (index clamped); grad wrt x", dict(i=i, x=V(0.4)),
         dict(value=jax.vmap(sw, (0, None))(i, V(0.4)), grad=jax.vmap(jax.grad(sw, 1), (0, None))(i, V(0.4))))

    # cumulative, sort, max
    w = V([1.0, -2.0, 3.0, 0.5, 4.0])
    q = V([0.3, -1.5, 2.2, 0.9, -0.4])
    for nm, fn in {"cumsum": lax.cumsum, "cumprod": lax.cumprod, "cummax": lax.cummax, "cumlogsumexp": lax.cumlogsumexp}.items():
        for r in (False, True):
            fr = lambda x, fn=fn, r=r: jnp.sum(w * fn(x, axis=0, reverse=r))
            case(f"{nm}{'_reverse' if r else ''}", f"f(x) = sum(w * {nm}(x, reverse={'true' if r else 'false'}))",
                 dict(x=q, w=w), dict(value=fr(q), grad=jax.grad(fr)(q)))
    z0 = V([2.0, 0.0, 3.0, 0.0, 5.0])
    case("cumprod_zero", "f(x) = sum(w * cumprod(x)) with zeros in x", dict(x=z0, w=w),
         dict(value=jnp.sum(w * jnp.cumprod(z0)), grad=jax.grad(lambda x: jnp.sum(w * jnp.cumprod(x)))(z0)))
    fs = lambda x: jnp.sum(w * jnp.sort(x))
    case("sort", "f(x) = sum(w * sort(x))", dict(x=q, w=w), dict(value=fs(q), grad=jax.grad(fs)(q)))
    qt = V([1.0, 0.0, 1.0, 0.0, 1.0])
    case("sort_ties", "f(x) = sum(w * sort(x)) with ties", dict(x=qt, w=w), dict(value=fs(qt), grad=jax.grad(fs)(qt)))
    for nm, fn in {"max": jnp.max, "min": jnp.min}.items():
        case(nm, f"{nm}(x)", dict(x=q), dict(value=fn(q), grad=jax.grad(fn)(q)))
        t3 = V([1.0, 3.0, 3.0, 1.0, 3.0])
        case(f"{nm}_ties", f"{nm}(x) with ties", dict(x=t3), dict(value=fn(t3), grad=jax.grad(fn)(t3)))
    t2 = V([[1.0, 4.0, 4.0], [2.0, 0.0, 2.0]])
    wm = V([10.0, 100.0])
    case("max_axis1_ties", "f(x) = sum(w * max(x, axis=1))", dict(x=t2, w=wm),
         dict(value=jnp.sum(wm * jnp.max(t2, 1)), grad=jax.grad(lambda x: jnp.sum(wm * jnp.max(x, 1)))(t2)))
    for nm, fn in {"maximum": jnp.maximum, "minimum": jnp.minimum}.items():
        a, b_ = V([1.0, 2.0, 0.0, -3.0]), V([2.0, 2.0, 0.0, -5.0])
        g = jax.grad(lambda a, b: jnp.sum(fn(a, b)), (0, 1))(a, b_)
        case(f"{nm}_ties", f"f(a,b) = sum({nm}(a,b))", dict(a=a, b=b_), dict(value=jnp.sum(fn(a, b_)), grad_a=g[0], grad_b=g[1]))
    cx = V([-2.0, -1.0, 0.0, 1.0, 2.0])
    case("clip_at_bounds", "f(x) = sum(clip(x, -1, 1)), elementwise grad", dict(x=cx),
         dict(value=jnp.sum(jnp.clip(cx, -1.0, 1.0)), grad=jax.grad(lambda x: jnp.sum(jnp.clip(x, -1.0, 1.0)))(cx)))
    for nm, px in {"prod": V([2.0, -3.0, 0.5, 4.0]), "prod_one_zero": V([2.0, 0.0, 0.5, 4.0]), "prod_two_zeros": V([2.0, 0.0, 0.0, 4.0])}.items():
        case(nm, "f(x) = prod(x); hess = hessian", dict(x=px),
             dict(value=jnp.prod(px), grad=jax.grad(jnp.prod)(px), hess=jax.hessian(jnp.prod)(px)))
    case("var", "f(x) = var(x) (ddof 0); std likewise", dict(x=q),
         dict(var=jnp.var(q), grad_var=jax.grad(jnp.var)(q), std=jnp.std(q), grad_std=jax.grad(jnp.std)(q), hess_var=jax.hessian(jnp.var)(q)))
    case("std_constant", "grad of std at a constant vector", dict(x=V([2.0, 2.0, 2.0])),
         dict(value=jnp.std(V([2.0, 2.0, 2.0])), grad=jax.grad(jnp.std)(V([2.0, 2.0, 2.0]))))
    case("norm", "f(x) = linalg.norm(x)", dict(x=q), dict(value=jnp.linalg.norm(q), grad=jax.grad(jnp.linalg.norm)(q)))
    case("norm_zero", "grad of linalg.norm at 0", dict(x=V([0.0, 0.0])),
         dict(value=jnp.linalg.norm(V([0.0, 0.0])), grad=jax.grad(jnp.linalg.norm)(V([0.0, 0.0]))))

    # jacobians
    def r3r2(x):
        return jnp.stack([x[0] * x[1] + jnp.sin(x[2]), jnp.exp(x[0]) * x[2] ** 2 - x[1]])

    p3 = V([0.5, -1.5, 2.0])
    t3 = V([1.0, 0.5, -2.0])
    ct = V([2.0, -1.0])
    case("jacobian_r3_r2", "f(x) = [x0*x1 + sin(x2), exp(x0)*x2^2 - x1]; hess has shape [2,3,3]; jvp along t, vjp with ct",
         dict(x=p3, t=t3, ct=ct),
         dict(value=r3r2(p3), jacfwd=jax.jacfwd(r3r2)(p3), jacrev=jax.jacrev(r3r2)(p3), hess=jax.hessian(r3r2)(p3),
              jvp=jax.jvp(r3r2, (p3,), (t3,))[1], vjp=jax.vjp(r3r2, p3)[1](ct)[0]))

    def matf(A):
        return jnp.stack([jnp.sum(A[0] * A[1]), jnp.sum(jnp.sin(A))])

    A23 = P(51, (2, 3))
    case("jacobian_matrix_input", "f(A) = [sum(A[0]*A[1]), sum(sin(A))], A 2x3; J has shape [2,2,3]; hess [2,2,3,2,3]",
         dict(A=A23), dict(value=matf(A23), J=jax.jacrev(matf)(A23), J_fwd=jax.jacfwd(matf)(A23), hess=jax.hessian(matf)(A23)))
    Ai = P(52, (3, 3)) + 2.0 * jnp.eye(3, dtype=F64)
    case("jacobian_matrix_output", "f(x) = outer(x, sin(x)); J has shape [3,3,3]", dict(x=p3),
         dict(value=jnp.outer(p3, jnp.sin(p3)), J=jax.jacfwd(lambda x: jnp.outer(x, jnp.sin(x)))(p3)))

    def rosen(x):
        return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    for nm, r in {"rosenbrock_2": V([-1.2, 1.0]), "rosenbrock_4": V([0.5, -1.0, 1.5, 2.0])}.items():
        case(nm, "f(x) = sum(100*(x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)", dict(x=r),
             dict(value=rosen(r), grad=jax.grad(rosen)(r), hess=jax.hessian(rosen)(r)))

    # higher order
    sx = lambda x: jnp.sin(x) * jnp.exp(x)
    d = [sx]
    for _ in range(5):
        d.append(jax.grad(d[-1]))
    case("sin_exp_orders", "f(x) = sin(x)*exp(x); d0..d5 derivatives (nested grad)", dict(x=V(0.7)),
         {f"d{k}": f(V(0.7)) for k, f in enumerate(d)})
    th = [jnp.tanh]
    for _ in range(4):
        th.append(jax.grad(th[-1]))
    case("tanh_orders", "f(x) = tanh(x); d0..d4 derivatives", dict(x=V(0.3)), {f"d{k}": f(V(0.3)) for k, f in enumerate(th)})
    pert = lambda x: x * jax.grad(lambda y: x + y * y * x)(1.5)
    case("perturbation_confusion", "f(x) = x * d/dy(x + y*y*x)|y=1.5 = 3x^2; derivative", dict(x=V(2.0)),
         dict(value=pert(V(2.0)), grad=jax.grad(pert)(V(2.0)),
              jvp=jax.jvp(lambda x: x * jax.jvp(lambda y: x + y * y * x, (V(1.5),), (V(1.0),))[1], (V(2.0),), (V(1.0),))[1]))
    case("jvp_of_grad_mixed", "f(x,y) = x^3*y^2 + sin(x*y); dxdy = d/dy(df/dx), dydx likewise", dict(x=V(1.2), y=V(-0.7)),
         (lambda f: dict(value=f(V(1.2), V(-0.7)), dxdy=jax.grad(jax.grad(f, 0), 1)(V(1.2), V(-0.7)),
                         dydx=jax.grad(jax.grad(f, 1), 0)(V(1.2), V(-0.7))))(lambda x, y: x**3 * y**2 + jnp.sin(x * y)))

    # pow
    px = V([2.0, 0.5, 3.0, 0.0, 0.0, 0.0, -2.0, -2.0, 1.0, 0.0, -1.0])
    py = V([3.0, 2.5, -1.5, 2.0, 0.0, 1.0, 3.0, 2.0, 0.0, 0.5, 0.5])
    gp = jax.vmap(jax.grad(lax.pow, (0, 1)))(px, py)
    case("pow", "elementwise pow(x,y), both float; grad_x and grad_y elementwise", dict(x=px, y=py),
         dict(value=lax.pow(px, py), grad_x=gp[0], grad_y=gp[1]))
    for n in (0, 1, 2, 3, -1, -2):
        xi = V([2.0, -1.5, 0.0])
        f = lambda x, n=n: lax.integer_pow(x, n)
        case(f"integer_pow_{n}", f"x^({n}) with a static integer exponent; d1, d2 elementwise derivatives", dict(x=xi),
             dict(value=f(xi), d1=jax.vmap(jax.grad(f))(xi), d2=jax.vmap(jax.grad(jax.grad(f)))(xi)))

    # linear algebra
    As, bs = P(61, (3, 3)) + 2.0 * jnp.eye(3, dtype=F64), P(62, (3,))
    wv = V([1.0, -2.0, 0.5])
    fsol = lambda A, b: jnp.sum(wv * jnp.linalg.solve(A, b))
    g = jax.grad(fsol, (0, 1))(As, bs)
    tA, tb = P(63, (3, 3)), P(64, (3,))
    case("linalg_solve", "f(A,b) = sum(w * solve(A,b)); jvp of solve(A,b) along tA,tb; hess_A shape [3,3,3,3]",
         dict(A=As, b=bs, w=wv, tA=tA, tb=tb),
         dict(value=fsol(As, bs), solution=jnp.linalg.solve(As, bs), grad_A=g[0], grad_b=g[1],
              jvp=jax.jvp(jnp.linalg.solve, (As, bs), (tA, tb))[1], hess_A=jax.hessian(fsol)(As, bs)))
    Bm = P(65, (3, 2))
    wm2 = P(66, (3, 2))
    fsm = lambda A, B: jnp.sum(wm2 * jnp.linalg.solve(A, B))
    g = jax.grad(fsm, (0, 1))(As, Bm)
    case("linalg_solve_matrix", "f(A,B) = sum(w * solve(A,B)), B 3x2", dict(A=As, B=Bm, w=wm2), dict(value=fsm(As, Bm), grad_A=g[0], grad_B=g[1]))
    wi = P(67, (3, 3))
    case("linalg_inv", "f(A) = sum(w * inv(A))", dict(A=As, w=wi),
         dict(value=jnp.sum(wi * jnp.linalg.inv(As)), grad_A=jax.grad(lambda A: jnp.sum(wi * jnp.linalg.inv(A)))(As)))
    case("linalg_logdet", "f(A) = slogdet(A).logabsdet; det = grad of det", dict(A=As),
         dict(value=jnp.linalg.slogdet(As)[1], grad_A=jax.grad(lambda A: jnp.linalg.slogdet(A)[1])(As),
              det=jnp.linalg.det(As), grad_det=jax.grad(jnp.linalg.det)(As)))
    spd = As @ As.T + jnp.eye(3, dtype=F64)
    spd = jnp.round(spd, 4)
    spd = (spd + spd.T) / 2
    case("linalg_cholesky", "f(A) = sum(w * cholesky(A)), A symmetric positive definite (JAX symmetrizes A first)", dict(A=spd, w=wi),
         dict(value=jnp.sum(wi * jnp.linalg.cholesky(spd)), grad_A=jax.grad(lambda A: jnp.sum(wi * jnp.linalg.cholesky(A)))(spd)))

    # slicing, gather, scatter
    v6 = V([0.5, -1.0, 2.0, 3.0, -0.5, 1.5])
    w3 = V([1.0, 10.0, 100.0])
    for nm, st in (("", 2), ("_clamped_high", 5), ("_negative", -2)):
        fds = lambda x, st=st: jnp.sum(w3 * lax.dynamic_slice(x, (jnp.int32(st),), (3,)) ** 2)
        case(f"dynamic_slice{nm}", "f(x) = sum(w * dynamic_slice(x, [start], [3])^2)", dict(x=v6, w=w3, start=jnp.int32(st)),
             dict(value=fds(v6), grad=jax.grad(fds)(v6)))
        u = V([7.0, 8.0, 9.0])
        w6 = V([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
        fdu = lambda x, u, st=st: jnp.sum(w6 * lax.dynamic_update_slice(x, u, (jnp.int32(st),)) ** 2)
        g = jax.grad(fdu, (0, 1))(v6, u)
        case(f"dynamic_update_slice{nm}", "f(x,u) = sum(w * dynamic_update_slice(x, u, [start])^2)",
             dict(x=v6, u=u, w=w6, start=jnp.int32(st)), dict(value=fdu(v6, u), grad_x=g[0], grad_u=g[1]))
    gi = jnp.array([0, 2, 2, 9, -1], I32)
    w5 = V([1.0, 10.0, 100.0, 1000.0, 10000.0])
    ft = lambda x: jnp.sum(w5 * jnp.take(x, gi, mode="clip"))
    case("gather_clip", "f(x) = sum(w * take(x, indices, mode='clip'))", dict(x=v6, indices=gi, w=w5), dict(value=ft(v6), grad=jax.grad(ft)(v6)))
    fi = lambda x: jnp.sum(w5 * jnp.take(x, gi, mode="fill", fill_value=0.0))
    case("gather_fill", "f(x) = sum(w * take(x, indices, mode='fill', fill_value=0)); negative index wraps", dict(x=v6, indices=gi, w=w5),
         dict(value=fi(v6), grad=jax.grad(fi)(v6)))
    sv = V([1.0, 2.0, 3.0, 4.0, 5.0])
    fsa = lambda x, v: jnp.sum(w6 * x.at[gi].add(v) ** 2)
    g = jax.grad(fsa, (0, 1))(v6, sv)
    case("scatter_add", "f(x,v) = sum(w * x.at[indices].add(v)^2); indices duplicate, 9 dropped, -1 wraps",
         dict(x=v6, v=sv, indices=gi, w=w6), dict(value=fsa(v6, sv), grad_x=g[0], grad_v=g[1]))
    gs = jnp.array([0, 2, 9, -1], I32)
    fss = lambda x, v: jnp.sum(w6 * x.at[gs].set(v) ** 2)
    g = jax.grad(fss, (0, 1))(v6, sv[:4])
    case("scatter_set", "f(x,v) = sum(w * x.at[indices].set(v)^2); 9 dropped, -1 wraps",
         dict(x=v6, v=sv[:4], indices=gs, w=w6), dict(value=fss(v6, sv[:4]), grad_x=g[0], grad_v=g[1]))
    fp = lambda x, c: jnp.sum(jnp.arange(1.0, 11.0, dtype=F64) * lax.pad(x, c, ((-1, 2, 1),)))
    px6, pc = V([0.5, -1.0, 2.0, 3.0, -0.5]), V(0.25)
    g = jax.grad(fp, (0, 1))(px6, pc)
    case("pad", "f(x,c) = sum([1..10] * pad(x, c, (low -1, high 2, interior 1))), x of length 5",
         dict(x=px6, c=pc), dict(value=fp(px6, pc), grad_x=g[0], grad_c=g[1]))
    fr = lambda x: jnp.sum(jnp.arange(6.0, dtype=F64).reshape(3, 2) * x.reshape(2, 3).T[::-1] ** 2)
    case("reshape_transpose_rev", "f(x) = sum(arange(6).reshape(3,2) * (rev(transpose(x.reshape(2,3)), axis 0))^2)", dict(x=v6),
         dict(value=fr(v6), grad=jax.grad(fr)(v6)))
    fc = lambda a, b: jnp.sum(w6 * jnp.concatenate([a, b, a]) ** 2)
    ca, cb = V([1.0, -2.0]), V([0.5, 3.0])
    g = jax.grad(fc, (0, 1))(ca, cb)
    case("concatenate", "f(a,b) = sum(w * concatenate([a,b,a])^2)", dict(a=ca, b=cb, w=w6), dict(value=fc(ca, cb), grad_a=g[0], grad_b=g[1]))
    fb = lambda a, b: jnp.sum(jnp.sin(a * b + a))
    ba, bb = P(71, (3, 1)), P(72, (1, 4))
    g = jax.grad(fb, (0, 1))(ba, bb)
    case("broadcast", "f(a,b) = sum(sin(a*b + a)), a [3,1], b [1,4]", dict(a=ba, b=bb), dict(value=fb(ba, bb), grad_a=g[0], grad_b=g[1]))
    fd = lambda a, b: jnp.sum(jnp.sin(jnp.einsum("bij,bjk->bik", a, b)))
    da, db = P(73, (2, 2, 3)), P(74, (2, 3, 2))
    g = jax.grad(fd, (0, 1))(da, db)
    case("batched_matmul", "f(a,b) = sum(sin(matmul(a,b))), a [2,2,3], b [2,3,2]", dict(a=da, b=db), dict(value=fd(da, db), grad_a=g[0], grad_b=g[1]))

    # edges
    e = V([-1.0, -0.0, 0.0, 1.0])
    el = lambda f, x: jax.vmap(jax.grad(f))(x)
    case("abs_edges", "elementwise |x|", dict(x=e), dict(grad=el(jnp.abs, e)))
    case("sign_floor_round_edges", "elementwise grads of sign, floor, round", dict(x=V([-0.5, 0.0, 1.5])),
         dict(sign=el(jnp.sign, V([-0.5, 0.0, 1.5])), floor=el(jnp.floor, V([-0.5, 0.0, 1.5])), round=el(jnp.round, V([-0.5, 0.0, 1.5]))))
    case("relu_edges", "elementwise jax.nn.relu(x) and jnp.maximum(x, 0)", dict(x=e),
         dict(relu=el(jax.nn.relu, e), maximum=el(lambda x: jnp.maximum(x, 0.0), e)))
    s3 = V([0.0, 4.0, -1.0])
    case("sqrt_edges", "elementwise sqrt(x)", dict(x=s3), dict(value=jnp.sqrt(s3), grad=el(jnp.sqrt, s3)))
    l3 = V([0.0, 2.0, -1.0])
    case("log_edges", "elementwise log(x)", dict(x=l3), dict(value=jnp.log(l3), grad=el(jnp.log, l3)))
    bad = lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0)
    safe = lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)
    w4 = V([4.0, 0.0, -1.0])
    case("where_sqrt", "unsafe(x) = where(x>0, sqrt(x), 0); safe(x) = where(x>0, sqrt(where(x>0, x, 1)), 0); elementwise", dict(x=w4),
         dict(unsafe=bad(w4), grad_unsafe=el(bad, w4), safe=safe(w4), grad_safe=el(safe, w4)))
    ax, ay = V([1.0, 0.0, -2.0, 3.0]), V([2.0, 0.0, 0.5, -1.0])
    g = jax.vmap(jax.grad(jnp.arctan2, (0, 1)))(ax, ay)
    case("atan2", "elementwise atan2(a,b), grads wrt a and b", dict(a=ax, b=ay), dict(value=jnp.arctan2(ax, ay), grad_a=g[0], grad_b=g[1]))
    ra, rb = V([5.5, -5.5, 5.5, -7.0]), V([2.0, 2.0, -2.0, -3.0])
    g1 = jax.vmap(jax.grad(lax.rem, (0, 1)))(ra, rb)
    g2 = jax.vmap(jax.grad(jnp.mod, (0, 1)))(ra, rb)
    case("rem_mod", "elementwise lax.rem(a,b) and jnp.mod(a,b), grads", dict(a=ra, b=rb),
         dict(rem=lax.rem(ra, rb), rem_grad_a=g1[0], rem_grad_b=g1[1], mod=jnp.mod(ra, rb), mod_grad_a=g2[0], mod_grad_b=g2[1]))
    sg = lambda x: x**2 + lax.stop_gradient(jnp.sin(x)) * x
    case("stop_gradient", "f(x) = x^2 + stop_gradient(sin(x))*x", dict(x=V(0.9)), dict(value=sg(V(0.9)), grad=jax.grad(sg)(V(0.9))))
    case("logaddexp", "elementwise logaddexp(a,b); grads", dict(a=V([0.5, -INF, 100.0]), b=V([1.5, -INF, 0.0])),
         (lambda g: dict(value=jnp.logaddexp(V([0.5, -INF, 100.0]), V([1.5, -INF, 0.0])), grad_a=g[0], grad_b=g[1]))(
             jax.vmap(jax.grad(jnp.logaddexp, (0, 1)))(V([0.5, -INF, 100.0]), V([1.5, -INF, 0.0]))))
    sp = V([-1000.0, -1.0, 0.0, 1.0, 1000.0])
    case("softplus", "elementwise softplus(x) and its grad and second derivative", dict(x=sp),
         dict(value=jax.nn.softplus(sp), grad=el(jax.nn.softplus, sp), second=el(jax.grad(jax.nn.softplus), sp)))

    # per-example gradients
    pe = lambda w, b, x, y: (jnp.tanh(jnp.dot(w, x) + b) - y) ** 2
    pw, pb, pX, pY = P(81, (3,)), V(0.1), P(82, (5, 3)), P(83, (5,))
    g = jax.vmap(jax.grad(pe, (0, 1)), (None, None, 0, 0))(pw, pb, pX, pY)
    case("per_example_grad", "loss(w,b,x,y) = (tanh(dot(w,x)+b) - y)^2; vmap(grad wrt w,b) over rows of X and entries of Y",
         dict(w=pw, b=pb, X=pX, Y=pY),
         dict(value=jax.vmap(pe, (None, None, 0, 0))(pw, pb, pX, pY), grad_w=g[0], grad_b=g[1],
              hess_w=jax.vmap(jax.hessian(pe), (None, None, 0, 0))(pw, pb, pX, pY)))
    case("grad_through_vmap", "f(w) = sum_i loss(w,b,X[i],Y[i]) with the loss of per_example_grad, vmap inside grad",
         dict(w=pw, b=pb, X=pX, Y=pY),
         dict(grad_w=jax.grad(lambda w: jnp.sum(jax.vmap(pe, (None, None, 0, 0))(w, pb, pX, pY)))(pw)))

    return {"cases": out, "unary": slopes()}


SLOPES = {
    "wide": [-2.5, -1.0, -0.3, 1e-8, 0.1, 0.7, 1.0, 2.0, 5.0],
    "positive": [1e-8, 0.1, 0.5, 1.0, 2.5, 10.0, 1e5],
    "unit": [-0.9, -0.5, -1e-8, 0.0, 0.2, 0.75, 0.99],
    "above 1": [1.01, 1.5, 2.0, 10.0, 1e5],
}


def slopes():
    """Values, first and second derivatives of functions of one operand."""
    table = {}
    for entry in OPERATIONS["primitives"]:
        if "slopes" not in entry:
            continue
        f = function(entry, ["x"])
        x = jnp.asarray(SLOPES[entry["slopes"]], F64)
        g1, g2 = jax.grad(f), jax.grad(jax.grad(f))
        table[entry["name"]] = {
            "x": flat(x), "d0": flat(f(x)), "d1": flat(jax.vmap(g1)(x)), "d2": flat(jax.vmap(g2)(x)),
        }
    return table

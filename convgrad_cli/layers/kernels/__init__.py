"""The kernels behind ``layers/conv.py``: canonical arrays of one dtype in, the same out.

Each file is one idea, derived above its code. All of them compute

    Y[n,o,i] = sum over c, p of X_padded[n, c, i*s + p*d] * W[o, c, p]

or the two sums that are its gradients, for X (N, C, *in), W (K, C // groups, *kernel),
dY (N, K, *out) and a ConvGeometry that says everything about sizes and offsets.
"""

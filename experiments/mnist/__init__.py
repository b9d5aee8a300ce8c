"""The experiments on MNIST, one folder each."""

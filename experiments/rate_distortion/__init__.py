"""Experiments on lossy images by implicit neural representations: rate against distortion on CIFAR-10 and Kodak."""

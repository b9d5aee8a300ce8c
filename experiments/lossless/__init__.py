"""Parts that the experiments on lossless files share: models, subsets, methods, and rates of decoded files."""

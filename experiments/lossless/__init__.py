"""What experiments on lossless files share: models, subsets, methods, and rates of files that were decoded again."""

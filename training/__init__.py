"""Training of the models that recjax codes with: data sets, objectives, loops, conversion to integers, and releases."""

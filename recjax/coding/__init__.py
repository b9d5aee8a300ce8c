"""Entropy coding: vectorised rANS messages, a combinator algebra of codecs on them, index codes and latent coders."""

"""The published site: asv's pages made to work without a network, and a front page of ours above them."""

from mmbench.site.publishing import publish

__all__ = ["publish"]

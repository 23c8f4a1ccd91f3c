"""Questions in, checked records out: what the command line, the benchmarks, the site and `import mmbench` ask."""

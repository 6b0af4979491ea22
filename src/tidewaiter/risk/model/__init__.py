"""A modest model: how likely it is that something is found wrong, learnt from inspections."""

"""Documents for those who use PontePA, and the code that makes those that are generated."""

"""Machine code in this process, whoever made it: where it lies, how it is entered, what it may ask for."""

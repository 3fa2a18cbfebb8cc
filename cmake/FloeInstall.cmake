# Install rules: headers under include/floe/<folder>, the libraries, and a CMake package.

#!/bin/sh
# Prints the values of environment variables, and None for one that is not there: the helper of oils' cases.
for name do
    printenv "$name" || echo None
done

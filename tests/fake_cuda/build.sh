#!/bin/sh
# Builds libraries that stand in for NVIDIA's, so that everything that uses a GPU can be tested on a machine without one:
#   tests/fake_cuda/build.sh OUT && LD_LIBRARY_PATH=OUT cargo test -p attune-nn --features cuda
# What is newer than its source stays.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUT}
mkdir -p "$out"
cp -u "$here/emulator.h" "$out/"
build() { # LIBRARY SOURCE
    [ "$out/$1" -nt "$here/$2" ] && [ "$out/$1" -nt "$here/build.sh" ] && [ "$out/$1" -nt "$here/bf16.h" ] && return
    "${CXX:-g++}" -std=c++17 -O2 -Wall -fPIC -shared -U_FORTIFY_SOURCE -Wl,-soname,"$1" -o "$out/$1.$$" "$here/$2" -ldl -lpthread
    mv "$out/$1.$$" "$out/$1"
}
build libcuda.so.1 cuda.cpp
build libnvrtc.so.13 nvrtc.cpp
build libcublas.so.13 cublas.cpp
build libcublasLt.so.13 cublas_lt.cpp
build libcudnn.so.9 cudnn.cpp
build libnvidia-ml.so.1 nvml.cpp

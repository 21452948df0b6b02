//! Golden numbers of PyTorch, scikit-learn, sox and onnxruntime, and how close we come.

mod augment;
mod data;
mod features;
mod metrics;
mod models;
mod noisy_student;
mod onnx;
mod operations;
mod sox;
mod training;

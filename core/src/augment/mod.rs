//! The paper's eight augmentations (section 3.4), and the chain that draws them.

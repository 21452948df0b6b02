//! Paints egui's output on the CPU, so that window tests and pictures need no graphics card and give the same bytes
//! on every machine.
//!
//! Triangles are filled in fixed point (1/256 pixel, top-left rule, as graphics cards do), textures are read bilinearly, colours
//! are premultiplied and blended in gamma space, as egui's own back ends do. Against lavapipe the largest difference is 1/255.

use egui::epaint::textures::{TextureFilter, TextureOptions, TexturesDelta};
use egui::epaint::{ClippedPrimitive, ImageDelta, Mesh, Primitive, Vertex};
use egui::{Color32, ImageData, Rect, TextureId};
use std::collections::HashMap;

/// A renderer for `egui_kittest` that paints into memory.
#[derive(Default)]
pub struct SoftRenderer {
    textures: HashMap<TextureId, Texture>,
}

struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
    options: TextureOptions,
}

struct Canvas {
    width: usize,
    height: usize,
    /// Premultiplied, gamma space, 0..=1.
    pixels: Vec<[f32; 4]>,
}

impl SoftRenderer {
    /// A renderer without textures.
    pub fn new() -> Self {
        Self::default()
    }

    fn apply(&mut self, id: TextureId, delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size;
        match delta.pos {
            None => {
                let texture = Texture {
                    width,
                    height,
                    pixels: image.pixels.clone(),
                    options: delta.options,
                };
                self.textures.insert(id, texture);
            }
            Some([x, y]) => {
                if let Some(texture) = self.textures.get_mut(&id) {
                    for row in 0..height {
                        let at = (y + row) * texture.width + x;
                        texture.pixels[at..at + width]
                            .copy_from_slice(&image.pixels[row * width..][..width]);
                    }
                }
            }
        }
    }

    fn paint(
        &self,
        primitives: &[ClippedPrimitive],
        points_to_pixels: f32,
        width: usize,
        height: usize,
    ) -> Canvas {
        let mut canvas = Canvas {
            width,
            height,
            pixels: vec![[0.0; 4]; width * height],
        };
        for clipped in primitives {
            if let Primitive::Mesh(mesh) = &clipped.primitive
                && let Some(texture) = self.textures.get(&mesh.texture_id)
            {
                canvas.mesh(mesh, texture, clipped.clip_rect, points_to_pixels);
            }
        }
        canvas
    }
}

impl Canvas {
    fn mesh(&mut self, mesh: &Mesh, texture: &Texture, clip: Rect, points_to_pixels: f32) {
        let pixel = |points: f32, most: usize| {
            ((points * points_to_pixels).round().clamp(0.0, most as f32)) as i64
        };
        let bounds = [
            pixel(clip.min.x, self.width),
            pixel(clip.min.y, self.height),
            pixel(clip.max.x, self.width),
            pixel(clip.max.y, self.height),
        ];
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |i: usize| &mesh.vertices[corners[i] as usize];
            self.triangle(
                [corner(0), corner(1), corner(2)],
                texture,
                bounds,
                points_to_pixels,
            );
        }
    }

    fn triangle(
        &mut self,
        corners: [&Vertex; 3],
        texture: &Texture,
        bounds: [i64; 4],
        points_to_pixels: f32,
    ) {
        let fixed = corners.map(|vertex| {
            let at = |points: f32| (points * points_to_pixels * 256.0).round() as i64;
            (at(vertex.pos.x), at(vertex.pos.y))
        });
        let area = (fixed[1].0 - fixed[0].0) * (fixed[2].1 - fixed[0].1)
            - (fixed[1].1 - fixed[0].1) * (fixed[2].0 - fixed[0].0);
        if area == 0 {
            return;
        }
        let order: [usize; 3] = if area > 0 { [0, 1, 2] } else { [0, 2, 1] };
        let at = order.map(|i| fixed[i]);
        let vertices = order.map(|i| corners[i]);
        let colours = vertices.map(|vertex| channels(vertex.color));
        let edges = [edge(at[1], at[2]), edge(at[2], at[0]), edge(at[0], at[1])];
        let [xs, ys] = [at.map(|p| p.0), at.map(|p| p.1)];
        let low =
            |values: [i64; 3], bound: i64| (values.into_iter().min().unwrap_or(0) >> 8).max(bound);
        let high = |values: [i64; 3], bound: i64| {
            ((values.into_iter().max().unwrap_or(0) >> 8) + 1).min(bound)
        };
        let inverse = 1.0 / area.unsigned_abs() as f32;
        for y in low(ys, bounds[1])..high(ys, bounds[3]) {
            for x in low(xs, bounds[0])..high(xs, bounds[2]) {
                let weights = edges.map(|edge| edge.value(x * 256 + 128, y * 256 + 128));
                if (0..3).any(|i| weights[i] + edges[i].bias < 0) {
                    continue;
                }
                let weights = weights.map(|weight| weight as f32 * inverse);
                let mix = |value: fn(&Vertex) -> f32| {
                    (0..3).map(|i| weights[i] * value(vertices[i])).sum::<f32>()
                };
                let texel = texture.sample(mix(|v| v.uv.x), mix(|v| v.uv.y));
                let below = &mut self.pixels[y as usize * self.width + x as usize];
                let above: [f32; 4] = std::array::from_fn(|channel| {
                    texel[channel]
                        * (0..3)
                            .map(|i| weights[i] * colours[i][channel])
                            .sum::<f32>()
                });
                for channel in 0..4 {
                    below[channel] = above[channel] + below[channel] * (1.0 - above[3]);
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Edge {
    from: (i64, i64),
    run: (i64, i64),
    /// -1 for edges that do not own the pixels on them.
    bias: i64,
}

fn edge(from: (i64, i64), to: (i64, i64)) -> Edge {
    let run = (to.0 - from.0, to.1 - from.1);
    let is_top_left = run.1 < 0 || (run.1 == 0 && run.0 > 0);
    Edge {
        from,
        run,
        bias: if is_top_left { 0 } else { -1 },
    }
}

impl Edge {
    fn value(self, x: i64, y: i64) -> i64 {
        self.run.0 * (y - self.from.1) - self.run.1 * (x - self.from.0)
    }
}

fn channels(colour: Color32) -> [f32; 4] {
    colour.to_array().map(|value| f32::from(value) / 255.0)
}

impl Texture {
    fn texel(&self, x: i64, y: i64) -> [f32; 4] {
        let x = x.clamp(0, self.width as i64 - 1) as usize;
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        channels(self.pixels[y * self.width + x])
    }

    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        let (x, y) = (u * self.width as f32, v * self.height as f32);
        if self.options.magnification == TextureFilter::Nearest {
            return self.texel(x.floor() as i64, y.floor() as i64);
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (part_x, part_y) = (x - x.floor(), y - y.floor());
        let (left, top) = (x.floor() as i64, y.floor() as i64);
        let texels = [
            self.texel(left, top),
            self.texel(left + 1, top),
            self.texel(left, top + 1),
            self.texel(left + 1, top + 1),
        ];
        std::array::from_fn(|channel| {
            let row = |a: usize, b: usize| {
                texels[a][channel] * (1.0 - part_x) + texels[b][channel] * part_x
            };
            row(0, 1) * (1.0 - part_y) + row(2, 3) * part_y
        })
    }
}

impl egui_kittest::TestRenderer for SoftRenderer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, images) in delta.set.drain() {
            for image in &images {
                self.apply(id, image);
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(
        &mut self,
        ctx: &egui::Context,
        output: &egui::FullOutput,
    ) -> Result<image::RgbaImage, String> {
        let points_to_pixels = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * points_to_pixels;
        let (width, height) = (size.x.round() as usize, size.y.round() as usize);
        let primitives = ctx.tessellate(output.shapes.clone(), points_to_pixels);
        let canvas = self.paint(&primitives, points_to_pixels, width, height);
        let bytes = canvas
            .pixels
            .iter()
            .flat_map(|pixel| {
                // PNG wants straight alpha.
                let alpha = pixel[3].max(1e-6);
                [
                    pixel[0] / alpha,
                    pixel[1] / alpha,
                    pixel[2] / alpha,
                    pixel[3],
                ]
                .map(|value| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
            })
            .collect();
        image::RgbaImage::from_raw(width as u32, height as u32, bytes)
            .ok_or_else(|| "wrong size".to_owned())
    }
}

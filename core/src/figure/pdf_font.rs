//! The font of figures inside a PDF: only the letters that are used, with what they mean, so that text can be searched and copied.

use super::text::FONT;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use std::collections::BTreeMap;
use subsetter::GlyphRemapper;

/// The font with six random letters before it, as readers expect of a part of a font; which ones says nothing.
const NAME: &str = "ATTUNE+DejaVuSans";
const SYSTEM: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// The letters that a figure has used so far.
pub(super) struct Font {
    glyphs: GlyphRemapper,
    /// What each stands for, by its code.
    meanings: BTreeMap<u16, String>,
    units_per_em: f32,
    metrics: Metrics,
}

/// In units of the font.
struct Metrics {
    bounds: [i16; 4],
    ascender: i16,
    descender: i16,
    n_advances: u16,
}

impl Font {
    /// No letter used. `None` only if the font inside the program is broken.
    pub(super) fn new() -> Option<Self> {
        let (head, hhea) = (table(*b"head")?, table(*b"hhea")?);
        Some(Self {
            glyphs: GlyphRemapper::new(),
            meanings: BTreeMap::new(),
            units_per_em: f32::from(u16_at(head, 18)?),
            metrics: Metrics {
                bounds: [
                    i16_at(head, 36)?,
                    i16_at(head, 38)?,
                    i16_at(head, 40)?,
                    i16_at(head, 42)?,
                ],
                ascender: i16_at(hhea, 4)?,
                descender: i16_at(hhea, 6)?,
                n_advances: u16_at(hhea, 34)?,
            },
        })
    }

    /// How many units are as long as the size of the letters.
    pub(super) fn units_per_em(&self) -> f32 {
        self.units_per_em
    }

    /// The code of a glyph in the part that will be embedded.
    pub(super) fn code_of(&mut self, glyph: u16, meaning: &str) -> u16 {
        let code = self.glyphs.remap(glyph);
        self.meanings
            .entry(code)
            .or_insert_with(|| meaning.to_owned());
        code
    }

    /// Writes the font at `first` and the four numbers behind it.
    pub(super) fn embed(&self, pdf: &mut Pdf, first: Ref) -> Option<()> {
        let [font, cid, descriptor, meanings, file] =
            [0, 1, 2, 3, 4].map(|more| Ref::new(first.get() + more));
        let mut type0 = pdf.type0_font(font);
        type0.base_font(Name(NAME.as_bytes()));
        type0.encoding_predefined(Name(b"Identity-H"));
        type0.descendant_font(cid);
        type0.to_unicode(meanings);
        type0.finish();

        let per_mille = |units: f32| units * 1000.0 / self.units_per_em;
        let mut cid_font = pdf.cid_font(cid);
        cid_font.subtype(CidFontType::Type2);
        cid_font.base_font(Name(NAME.as_bytes()));
        cid_font.system_info(SYSTEM);
        cid_font.font_descriptor(descriptor);
        cid_font.default_width(0.0);
        cid_font.cid_to_gid_map_predefined(Name(b"Identity"));
        let advances: Option<Vec<f32>> = self
            .glyphs
            .remapped_gids()
            .map(|glyph| Some(per_mille(f32::from(self.advance(glyph)?))))
            .collect();
        cid_font.widths().consecutive(0, advances?);
        cid_font.finish();

        let metrics = &self.metrics;
        let [left, bottom, right, top] = metrics.bounds.map(|at| per_mille(f32::from(at)));
        let mut about = pdf.font_descriptor(descriptor);
        about.name(Name(NAME.as_bytes()));
        about.flags(FontFlags::SYMBOLIC);
        about.bbox(Rect::new(left, bottom, right, top));
        about.italic_angle(0.0);
        about.ascent(per_mille(f32::from(metrics.ascender)));
        about.descent(per_mille(f32::from(metrics.descender)));
        about.cap_height(729.0);
        about.stem_v(90.0);
        about.font_file2(file);
        about.finish();

        let mut cmap = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (code, meaning) in &self.meanings {
            if !meaning.is_empty() {
                cmap.pair_with_multiple(*code, meaning.chars());
            }
        }
        pdf.cmap(meanings, &cmap.finish());

        let part = subsetter::subset(FONT, 0, &self.glyphs).ok()?;
        let packed = compress_to_vec_zlib(&part, 6);
        let mut stream = pdf.stream(file, &packed);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Length1"), part.len() as i32);
        stream.finish();
        Some(())
    }

    /// How far a glyph advances, in units of the font; those at the end share one width.
    fn advance(&self, glyph: u16) -> Option<u16> {
        let at = glyph.min(self.metrics.n_advances.checked_sub(1)?);
        u16_at(table(*b"hmtx")?, usize::from(at) * 4)
    }
}

/// A table of the font inside the program.
fn table(name: [u8; 4]) -> Option<&'static [u8]> {
    let n_tables = usize::from(u16_at(FONT, 4)?);
    let records = FONT.get(12..12 + n_tables * 16)?.chunks_exact(16);
    let record = records
        .into_iter()
        .find(|record| record.starts_with(&name))?;
    let number = |at: usize| -> Option<usize> {
        let bytes = record.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let (start, length) = (number(8)?, number(12)?);
    FONT.get(start..start.checked_add(length)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    u16_at(bytes, at).map(u16::cast_signed)
}

//! Which tags are shown, in which order, by which methods, beside which other model; and what must be explained for it.

use crate::timeline::{OtherRow, TagRow};
use crate::workbench::Ctx;
use crate::workbench::parts::compare::Side;
use crate::workbench::parts::song::OpenSong;
use crate::workbench::parts::timeline::{How, Wish};
use attune_core::interpret::{Explainer as _, Method, SongExplanation, order_by_similarity};
use attune_core::predict::Model;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tags shown until the user chooses.
const SHOWN_AT_FIRST: usize = 3;

/// In which order the tags' lanes stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Order {
    /// As they were chosen.
    #[default]
    Chosen,
    /// The most probable one first.
    Relevance,
    /// Those of like maps beside each other.
    Similarity,
    /// By name.
    Name,
}

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::Chosen, Self::Relevance, Self::Similarity, Self::Name];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chosen => "as chosen",
            Self::Relevance => "most relevant first",
            Self::Similarity => "like maps together",
            Self::Name => "alphabetical",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Chosen => "Tags in the order in which they were chosen",
            Self::Relevance => "The tag that is most probable in the song first",
            Self::Similarity => {
                "Tags whose maps rise and fall together beside each other, from the most probable one on"
            }
            Self::Name => "Tags by name",
        }
    }
}

/// How the user wants the tags.
pub(super) struct Looks<'a> {
    pub(super) method: Method,
    pub(super) order: Order,
    pub(super) unfolded: &'a BTreeSet<String>,
    /// Whether another model stands beside.
    pub(super) is_beside: bool,
}

/// The chosen tags that the model knows; the most probable ones until the user chooses.
pub(super) fn chosen_tags(ctx: &Ctx<'_>, explanation: Option<&SongExplanation>) -> Vec<usize> {
    let Some(explanation) = explanation else {
        return Vec::new();
    };
    let chosen = ctx.state.selection.tags.iter();
    let chosen: Vec<usize> = chosen.filter_map(|tag| explanation.tag_idx(tag)).collect();
    if !chosen.is_empty() {
        return chosen;
    }
    let mut probable = explanation.over_time.by_probability();
    probable.truncate(SHOWN_AT_FIRST);
    probable
}

/// The rows of the tags, and all that is wanted for them, the most urgent first.
pub(super) fn rows(
    ctx: &Ctx<'_>,
    looks: &Looks<'_>,
    similar: &mut Similar,
    song: &Arc<OpenSong>,
    model: &Arc<Model>,
) -> (Vec<TagRow>, Vec<Wish>) {
    let timeline = &ctx.state.timeline;
    let mut wishes = vec![Wish::new(song, model, How::Usual)];
    let Some(explanation) = timeline.explanation(song, model) else {
        return (Vec::new(), wishes);
    };
    let mut want = |model: &Arc<Model>, method: Method, tag: usize| {
        let wish = if model.usual_methods().contains(&method) {
            Wish::new(song, model, How::Usual)
        } else {
            Wish::new(song, model, How::by(method, tag))
        };
        if !wishes.contains(&wish) {
            wishes.push(wish);
        }
    };
    let mut tags = chosen_tags(ctx, Some(explanation));
    for &tag in &tags {
        want(model, looks.method, tag);
    }
    let whole = &explanation.over_time.whole_song;
    let by_relevance = |tags: &mut Vec<usize>| tags.sort_by(|&a, &b| whole[b].total_cmp(&whole[a]));
    match looks.order {
        Order::Chosen => {}
        Order::Relevance => by_relevance(&mut tags),
        Order::Name => tags.sort_by(|&a, &b| explanation.tags[a].cmp(&explanation.tags[b])),
        Order::Similarity => {
            by_relevance(&mut tags);
            let map = |tag| timeline.whole_map(song, model, looks.method, tag);
            similar.sort(&mut tags, looks.method, map);
        }
    }
    let compare = &ctx.state.compare;
    let source = compare.source(Side::Second).filter(|_| looks.is_beside);
    let name = source.map(|source| source.name(&ctx.state.model));
    let other = compare.model(Side::Second, &ctx.state.model);
    let rows = tags.into_iter().map(|tag_idx| {
        let tag = &explanation.tags[tag_idx];
        let is_unfolded = looks.unfolded.contains(tag);
        let mut methods = vec![looks.method];
        if is_unfolded {
            let others = model.methods().into_iter();
            methods.extend(others.filter(|method| *method != looks.method));
        }
        let other = name.as_ref().map(|name| {
            let mut row = OtherRow {
                name: name.clone(),
                tag_idx: 0,
                usual: None,
                map: None,
                missing: "not computed yet",
            };
            // It may be on its way: its lanes keep their places.
            let Some(other) = other else {
                return row;
            };
            let Some(their_idx) = other.tags.iter().position(|theirs| theirs == tag) else {
                row.missing = "it does not know this tag";
                return row;
            };
            if !other.methods().contains(&looks.method) {
                row.missing = "it cannot be explained by this method";
                return row;
            }
            want(other, other.usual_methods()[0], their_idx);
            want(other, looks.method, their_idx);
            row.tag_idx = their_idx;
            row.usual = timeline.explanation(song, other).cloned();
            row.map = timeline.map(song, other, looks.method, their_idx).cloned();
            row
        });
        for &method in &methods {
            want(model, method, tag_idx);
        }
        let found = |method| (method, timeline.map(song, model, method, tag_idx).cloned());
        TagRow {
            tag_idx,
            methods: methods.into_iter().map(found).collect(),
            is_unfolded,
            other,
        }
    });
    let rows = rows.collect();
    (rows, wishes)
}

/// Like maps together: worked out anew only when the maps are others.
#[derive(Debug, Default)]
pub(super) struct Similar {
    of: Vec<usize>,
    order: Vec<usize>,
}

impl Similar {
    /// Orders `tags`, beginning with the first; `map` gives the explanations that hold their maps by `method`.
    fn sort<'a>(
        &mut self,
        tags: &mut [usize],
        method: Method,
        map: impl Fn(usize) -> Option<&'a Arc<SongExplanation>>,
    ) {
        let address =
            |explained: &Arc<SongExplanation>| Arc::as_ptr(explained).cast::<()>() as usize;
        let of = tags
            .iter()
            .flat_map(|&tag| [tag, map(tag).map_or(0, address)]);
        let of: Vec<usize> = of.chain([method as usize]).collect();
        if self.of != of {
            let lane = |&tag: &usize| -> &[f32] {
                let map = map(tag).and_then(|explained| explained.map(method));
                map.map_or(&[], |map| map.tag(tag))
            };
            let lanes: Vec<&[f32]> = tags.iter().map(lane).collect();
            let order = order_by_similarity(&lanes).into_iter();
            self.order = order.map(|at| tags[at]).collect();
            self.of = of;
        }
        tags.copy_from_slice(&self.order);
    }
}

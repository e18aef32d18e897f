//! An error and its causes, as texts for a person.

/// The texts of an error and of its sources, outermost first, without repetitions.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // Many libraries repeat their source in their own text, and these two texts say nothing at all.
        let says_nothing = text == "error sending request" || text.starts_with("client error (");
        if !says_nothing && !causes.last().is_some_and(|last| last.ends_with(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let mut texts = texts.iter().rev();
        let innermost = Layer { text: texts.next().expect("there is one"), source: None };
        texts.fold(innermost, |source, text| Layer { text, source: Some(Box::new(source)) })
    }

    #[test]
    fn repeated_and_empty_causes_are_left_out() {
        let error =
            layers(&["cannot fetch", "error sending request", "client error (Connect)", "tcp: refused", "refused"]);
        assert_eq!(chain(&error), ["cannot fetch", "tcp: refused"]);
    }
}

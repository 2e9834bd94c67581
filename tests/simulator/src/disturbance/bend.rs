//! Bending an answer: values of its JSON set, removed, appended, wherever a pattern of places fits.
//!
//! Knows nothing of what the JSON means.

use serde_json::Value;

use crate::control::types::Bend;
use crate::http::{Answer, Body};

/// Every place that a bend names.
pub fn places(bend: &Bend) -> impl Iterator<Item = &str> {
    bend.set.keys().chain(&bend.remove).chain(bend.append.keys()).map(String::as_str)
}

/// Bends an answer of JSON that went well.
pub fn apply(bend: &Bend, answer: &mut Answer) {
    if !(200..300).contains(&answer.status) {
        return;
    }
    if let Body::Json(body) = &mut answer.body {
        for place in &bend.remove {
            edit(body, &parts(place), &mut |_| Edit::Remove);
        }
        for (place, value) in &bend.set {
            edit(body, &parts(place), &mut |_| Edit::Put(value.clone()));
        }
        for (place, value) in &bend.append {
            edit(body, &parts(place), &mut |old| match old {
                Some(Value::Array(items)) => Edit::Put(items.iter().cloned().chain([value.clone()]).collect()),
                _ => Edit::Keep,
            });
        }
    }
    answer.status = bend.status.unwrap_or(answer.status);
    if answer.status == 204 {
        answer.body = Body::Empty;
    }
}

enum Edit {
    Keep,
    Put(Value),
    Remove,
}

/// `/value/*/a~1b` as `value`, `*`, `a/b` (RFC 6901).
fn parts(place: &str) -> Vec<String> {
    place.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Walks to every place that fits and applies what `decide` returns for the value there, or for its absence.
fn edit(at: &mut Value, parts: &[String], decide: &mut impl FnMut(Option<&Value>) -> Edit) {
    let Some((part, rest)) = parts.split_first() else {
        if let Edit::Put(value) = decide(Some(at)) {
            *at = value;
        }
        return;
    };
    if !rest.is_empty() {
        children(at, part).into_iter().for_each(|child| edit(child, rest, decide));
        return;
    }
    match at {
        Value::Object(object) if part != "*" => match decide(object.get(part)) {
            Edit::Keep => {}
            Edit::Put(value) => drop(object.insert(part.clone(), value)),
            Edit::Remove => drop(object.remove(part)),
        },
        Value::Array(items) => {
            let mut index = 0;
            items.retain_mut(|item| {
                index += 1;
                let edit = if fits(item, index - 1, part) { decide(Some(item)) } else { Edit::Keep };
                match edit {
                    Edit::Keep => true,
                    Edit::Put(value) => {
                        *item = value;
                        true
                    }
                    Edit::Remove => false,
                }
            });
        }
        _ => {}
    }
}

fn children<'a>(at: &'a mut Value, part: &str) -> Vec<&'a mut Value> {
    match at {
        Value::Object(object) => {
            let fitting = object.iter_mut().filter(|(name, _)| part == "*" || *name == part);
            fitting.map(|(_, value)| value).collect()
        }
        Value::Array(items) => {
            let fitting = items.iter_mut().enumerate().filter(|(index, item)| fits(item, *index, part));
            fitting.map(|(_, item)| item).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an element of a list is meant: by `*`, by its number, or by the text of one of its members.
fn fits(item: &Value, index: usize, part: &str) -> bool {
    let by_member =
        || part.split_once('=').is_some_and(|(name, text)| item.get(name).and_then(Value::as_str) == Some(text));
    part == "*" || part.parse() == Ok(index) || by_member()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(bend: Value, expected: Value) {
        let bend: Bend = serde_json::from_value(bend).unwrap();
        let body = json!({"value": [{"id": "a", "mail": "m"}, {"id": "b", "mail": null, "of": ["x"]}]});
        let mut answer = Answer::json(200, body);
        apply(&bend, &mut answer);
        let Body::Json(body) = answer.body else { panic!("no JSON any more") };
        assert_eq!(body, expected, "{bend:?}");
    }

    #[test]
    fn a_bend_reaches_the_places_that_it_names_and_no_others() {
        let (a, b) = (json!({"id": "a", "mail": "m"}), json!({"id": "b", "mail": null, "of": ["x"]}));
        check(json!({"remove": ["/value/*/mail"]}), json!({"value": [{"id": "a"}, {"id": "b", "of": ["x"]}]}));
        check(json!({"set": {"/value/id=a/mail": 1}}), json!({"value": [{"id": "a", "mail": 1}, b.clone()]}));
        check(json!({"set": {"/value/7/mail": 1, "/no/where": 1}}), json!({"value": [a.clone(), b.clone()]}));
        check(json!({"set": {"/value/*": 0}}), json!({"value": [0, 0]}));
        check(json!({"set": {"/@odata.x~1y": 0}}), json!({"value": [a.clone(), b.clone()], "@odata.x/y": 0}));
        check(json!({"remove": ["/value/0"]}), json!({"value": [b.clone()]}));
        check(json!({"append": {"/value": {"id": "c"}}}), json!({"value": [a.clone(), b, {"id": "c"}]}));
        check(
            json!({"append": {"/value/*/of": "y"}}),
            json!({"value": [a, {"id": "b", "mail": null, "of": ["x", "y"]}]}),
        );
    }

    #[test]
    fn a_refusal_is_not_bent() {
        let mut answer = Answer::json(404, json!({"error": {}}));
        apply(&Bend { status: Some(200), remove: vec!["/error".into()], ..Bend::default() }, &mut answer);
        assert!(answer.status == 404 && matches!(answer.body, Body::Json(body) if body == json!({"error": {}})));
    }
}

//! An answer carries data only beside the entry that let it out.
use gridvault::http::Answer;

pub fn exchange<T>(answer: Answer<T>, body: T) -> (Answer<T>, Option<T>) {
    (Answer { body, ..answer }, None)
}

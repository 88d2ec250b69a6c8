//! Words for what must not be collected: some need a statute, some are never kept.
//! Never judges values, only the names and titles that an administrator gives to fields and codes.
//! The lists follow PIPL Art. 26 and 28 and the product's own refusals; they may grow, never shrink by a setting.

/// Needs a named statute: religion, ethnicity, politics. Not collected by default.
const STATUTE_ENGLISH: [&str; 12] = [
    "religion",
    "religious",
    "faith",
    "belief",
    "ethnicity",
    "ethnic",
    "nationality_group",
    "race",
    "political",
    "politics",
    "party_member",
    "party_membership",
];
const STATUTE_CHINESE: [&str; 9] =
    ["宗教", "信仰", "教派", "民族", "种族", "政治面貌", "党员", "党派", "政治倾向"];

/// Never kept: biometrics, tracks, labels of persons, scores of persons.
const NEVER_ENGLISH: [&str; 48] = [
    "biometric",
    "biometrics",
    "fingerprint",
    "fingerprints",
    "palm_print",
    "face",
    "facial",
    "iris",
    "retina",
    "voiceprint",
    "voice_print",
    "gait",
    "dna",
    "genetic",
    "gene",
    "location_track",
    "movement_track",
    "trajectory",
    "call_record",
    "call_records",
    "key_person",
    "key_persons",
    "focus_youth",
    "watch_list",
    "watchlist",
    "blacklist",
    "community_correction",
    "released_prisoner",
    "ex_prisoner",
    "criminal_record",
    "drug_use",
    "drug_user",
    "drug_addict",
    "drug_addiction",
    "detoxification",
    "mental_disorder",
    "mental_illness",
    "psychosis",
    "schizophrenia",
    "hiv",
    "cult",
    "petitioner",
    "stability",
    "credit_score",
    "score",
    "risk_level",
    "risk_score",
    "social_credit_rating",
];
const NEVER_CHINESE: [&str; 39] = [
    "生物识别",
    "指纹",
    "掌纹",
    "人脸",
    "面部特征",
    "面部图像",
    "虹膜",
    "视网膜",
    "声纹",
    "步态",
    "基因",
    "行踪",
    "轨迹",
    "通话记录",
    "重点人",
    "重点人员",
    "重点青少年",
    "关注人员",
    "黑名单",
    "社区矫正",
    "刑满释放",
    "刑释",
    "前科",
    "犯罪记录",
    "吸毒",
    "涉毒",
    "戒毒",
    "精神障碍",
    "精神病",
    "肇事肇祸",
    "艾滋",
    "邪教",
    "上访",
    "维稳",
    "稳控",
    "评分",
    "积分排名",
    "风险等级",
    "信用分",
];

/// The word that makes these words need a statute, if any.
pub(super) fn needs_statute(words: &str) -> Option<&'static str> {
    found(words, &STATUTE_ENGLISH, &STATUTE_CHINESE)
}

/// The word that makes these words refused whatever is cited, if any.
pub(super) fn never_kept(words: &str) -> Option<&'static str> {
    found(words, &NEVER_ENGLISH, &NEVER_CHINESE)
}

/// English by whole words, so that "surface" is no face; Chinese anywhere, since it has no spaces.
fn found(words: &str, english: &[&'static str], chinese: &[&'static str]) -> Option<&'static str> {
    let lower = words.to_lowercase();
    let parts = lower.split(|character: char| !character.is_ascii_alphanumeric());
    let joined: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let padded = format!("_{}_", joined.join("_"));
    let in_english = english.iter().find(|word| padded.contains(&format!("_{word}_")));
    in_english.or_else(|| chinese.iter().find(|word| lower.contains(**word))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn biometrics_labels_and_scores_are_found_in_both_languages() {
        for words in [
            "fingerprint",
            "face_template",
            "Face image",
            "iris",
            "dna_sample",
            "is_key_person",
            "Community correction",
            "drug-use",
            "mental disorder",
            "hiv_status",
            "HIV",
            "risk_level",
            "人脸照片",
            "是否重点人员",
            "社区矫正对象",
            "吸毒史",
            "严重精神障碍",
            "艾滋病",
            "稳定评分",
        ] {
            assert!(never_kept(words).is_some(), "{words}");
        }
    }

    #[test]
    fn religion_ethnicity_and_politics_need_a_statute() {
        for words in [
            "religion",
            "Religious belief",
            "ethnic_group",
            "political_status",
            "宗教信仰",
            "民族",
            "政治面貌",
        ] {
            assert!(needs_statute(words).is_some(), "{words}");
            assert!(never_kept(words).is_none(), "{words}");
        }
    }

    #[test]
    fn ordinary_words_that_contain_such_a_word_are_free() {
        for words in [
            "surface_area",
            "trackside",
            "Interface",
            "general",
            "生日",
            "electrical_hazard",
            "地面部件",
        ] {
            assert!(never_kept(words).is_none(), "{words}");
        }
        assert!(needs_statute("terrace").is_none());
    }
}

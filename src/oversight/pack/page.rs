//! The page of an evidence pack: what it is, what it proves, what it does not, and how to check it, in two languages.
//! Never a script, a style from elsewhere or a word that a client wrote.
//! Whoever opens the pack without any tool of this product understands it.

/// What the page tells of this pack.
pub(super) struct Told<'a> {
    pub(super) origin: &'a str,
    pub(super) made_at: &'a str,
    pub(super) entries: usize,
    pub(super) policies: usize,
    pub(super) indexed: u64,
    pub(super) minimum: u64,
    pub(super) size: u64,
}

pub(super) fn page(told: &Told<'_>) -> String {
    let Told { origin, made_at, entries, policies, indexed, minimum, size } = told;
    // Origins are checked by the configuration to be plain; everything else here is a number or a time.
    format!(
        r#"<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>审计证据包 Evidence pack</title></head><body>
<h1>审计证据包</h1>
<p>日志 {origin}；生成时间 {made_at}（UTC）；审计条目 {entries} 条；所引用的策略生效条目 {policies} 条。检索范围为第 {minimum} 条至第 {indexed} 条之前（此前的条目保存期满已清理），日志当时共公布 {size} 条。</p>
<h2>能证明什么</h2>
<ul>
<li>entries/ 中每一条审计条目都在该日志的第几条位置，内容与写入时逐字节一致（proofs/ 为存在证明，附日志签名的检查点；有外部见证方时附其签名）。</li>
<li>本包在生成后未被增删改：SHA256SUMS 的摘要写在该日志的一条审计条目里（seal/），该条目同样附有存在证明。</li>
<li>条目引用的策略版本何时生效、摘要为何。</li>
</ul>
<h2>不能证明什么</h2>
<ul>
<li>不能证明所选范围没有遗漏：是否遗漏须以整本日志核验。</li>
<li>不能证明保险库从未见到的事情，也不能证明账号背后是何人：条目只有账号编号。</li>
<li>不含个人信息内容，也不含策略文件原文；策略条目只给出摘要，可与所存策略文件比对。</li>
<li>包内的 key.txt 只供对照。核验用的公钥必须另从可信渠道取得。</li>
</ul>
<h1>Evidence pack</h1>
<p>Log {origin}; made at {made_at}; {entries} entries; {policies} entries of the policies that they cite. Everything from index {minimum} on (what lay below was pruned at the end of its retention) and below index {indexed} was searched; the log had published {size} entries.</p>
<h2>What it proves</h2>
<ul>
<li>That each entry in entries/ stands in this log at its index, byte for byte as it was written (proofs/: proofs of inclusion with checkpoints that the log signed, and witnesses where there are any).</li>
<li>That nothing in this pack was added, taken away or changed since: the digest of SHA256SUMS stands in an entry of the same log (seal/), which is proven too.</li>
<li>When each cited version of the policy came into force, and its digest.</li>
</ul>
<h2>What it does not prove</h2>
<ul>
<li>That the selection is complete: that shows over the whole log alone.</li>
<li>What the vault never saw, or which person is behind an account: entries have ids.</li>
<li>Anything about residents' data, which is not in here; nor the text of policies, whose digests can be compared with the files that are kept.</li>
<li>The key in key.txt is for comparison. The key to verify with must come from elsewhere.</li>
</ul>
<h2>核验 How to check</h2>
<pre>gridvault-audit pack FILE --vkey KEY      everything at once, offline
tar -xf FILE; sha256sum --check SHA256SUMS
gridvault-audit proof proofs/N.tlog-proof --entry entries/N.json --vkey KEY      or any tool that reads c2sp.org/tlog-proof
</pre>
</body></html>
"#
    )
}

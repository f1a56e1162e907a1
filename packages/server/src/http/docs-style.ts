/** The page's one style sheet; its hash is in the page's policy. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1b2330;--soft:#5b6675;--line:#dde2e9;--ground:#fff;--panel:#f5f7fa;--link:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa6b6;--line:#2b3442;--ground:#11161d;--panel:#1a212b;--link:#7cb8ff}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--ground);display:grid;grid-template-columns:15rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow-y:auto;padding:1.5rem 1.25rem;border-right:1px solid var(--line);background:var(--panel)}
nav .home{font-weight:650;font-size:1.15rem;color:var(--ink);text-decoration:none}
nav p{margin:.75rem 0 .25rem;color:var(--soft);font-size:.85rem}
nav ul{list-style:none;margin:0;padding:0}
nav li a{display:block;padding:.15rem 0;text-decoration:none}
main{padding:2rem 2.5rem 6rem;max-width:62rem}
a{color:var(--link)}
h1{font-size:1.7rem;margin:0 0 .75rem}
h2{font-size:1.25rem;margin:2.75rem 0 .4rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:.9rem;margin:1.25rem 0 .35rem;color:var(--soft);font-weight:600}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace}
pre{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;overflow-x:auto}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) minmax(0,1fr);gap:.5rem 1.25rem}
dt{font-weight:600}dd{margin:0}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:.85rem}
td:nth-child(2){color:var(--soft);max-width:14rem}
.limit{color:var(--soft);font-size:.9rem}
@media (max-width:50rem){body{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid var(--line)}nav ul{columns:2}main{padding:1.25rem}dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}}
`;

/* Order of search results: pages that explain come before methods, glossary and changelog. */
var Scorer = {
  score: ([page, title, anchor, description, score, file, kind]) => {
    if (page === "glossary") return Math.min(score, 4);
    if (page === "changelog" || page === "development") return score - 6;
    if (kind === "object" && /\.[A-Z]\w*\.\w+$/.test(title)) return score - 14; // a method
    if (/^user_guide\//.test(page) || page === "export") return score + 7;
    if (/^how_to\//.test(page)) return score + 5;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

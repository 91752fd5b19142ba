// Returns the list of what a person could not perceive or operate on the page; empty when all is well.
// Source: WCAG 2.1 AA, criteria named in each sentence.
() => {
  const problems = [];
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const ratio = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) { return color; }
    }
    return [255, 255, 255];
  };
  const name = (element) => element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") + (element.className ? "." + element.className : "");

  if (document.documentElement.lang !== "it") { problems.push("3.1.1 language"); }
  if (!document.title.trim()) { problems.push("2.4.2 title"); }
  for (const landmark of ["header", "main", "footer"]) {
    if (document.querySelectorAll("body > " + landmark).length !== 1) { problems.push("1.3.1 landmark " + landmark); }
  }
  if (document.querySelectorAll("h1").length !== 1) { problems.push("1.3.1 one h1"); }
  let level = 1;
  for (const heading of document.querySelectorAll("h1, h2, h3")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) { problems.push("1.3.1 heading skipped before " + heading.textContent); }
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) { problems.push("4.1.1 id twice"); }
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const refs = (element.getAttribute("aria-describedby") || "") + " " + (element.getAttribute("aria-labelledby") || "");
    for (const id of refs.split(/\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) { problems.push("1.3.1 reference to nothing: " + id); }
    }
  }
  for (const input of document.querySelectorAll("input:not([type=hidden])")) {
    if (!input.labels.length || !input.labels[0].textContent.trim()) { problems.push("3.3.2 label of " + input.name); }
    if (!input.autocomplete) { problems.push("1.3.5 purpose of " + input.name); }
    const border = ratio(rgb(getComputedStyle(input).borderTopColor), background(input.parentElement));
    if (border < 3) { problems.push("1.4.11 border of " + input.name + " " + border.toFixed(2)); }
    if (input.getAttribute("aria-invalid") && !document.getElementById(input.name + "-errore")) { problems.push("3.3.1 error of " + input.name); }
  }
  for (const control of document.querySelectorAll("a[href], button")) {
    if (!control.textContent.trim()) { problems.push("2.4.4 name of " + name(control)); }
    const box = control.getBoundingClientRect();
    if (control.matches("button, .bottone") && box.height < 44) { problems.push("2.5.5 size of " + name(control)); }
  }
  if (document.querySelector("a[href='#contenuto']") === null || !document.getElementById("contenuto")) { problems.push("2.4.1 bypass"); }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("[hidden], script, noscript") || !element.getClientRects().length) { continue; }
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const found = ratio(rgb(style.color), background(element));
    if (found < wanted) { problems.push("1.4.3 contrast " + found.toFixed(2) + " of " + name(element)); }
    if (size < 12) { problems.push("text too small: " + name(element)); }
  }
  if (document.documentElement.scrollWidth > window.innerWidth) { problems.push("1.4.10 scrolls sideways: " + document.documentElement.scrollWidth); }
  return problems;
}

// Arrow keys turn pages, but not while something that scrolls has the focus.
addEventListener("keydown", (event) => {
  const box = event.target;
  if (box.tabIndex === 0 && box.scrollWidth > box.clientWidth) {
    event.stopPropagation();
  }
}, { capture: true });

document.addEventListener("DOMContentLoaded", () => {
  // What scrolls sideways can be scrolled from the keyboard, too.
  for (const box of document.querySelectorAll("pre, .table-wrapper")) {
    box.tabIndex = 0;
  }
  // Furo leaves out the level of the headings in its list of pages.
  for (const heading of document.querySelectorAll("[role=heading]")) {
    heading.ariaLevel = "2";
  }
  // And its page of search results has no heading.
  if (!document.querySelector("h1")) {
    const heading = document.createElement("h1");
    heading.textContent = "Search";
    document.querySelector("article").prepend(heading);
  }
});

// Sorting, copying, opening and closing. The page can be read without any of it, and no text of the
// database is in here: what is shown stays where it is, as text.
"use strict";
(() => {
  const status = document.querySelector(".status");
  const say = (text) => { status.textContent = text; };
  document.documentElement.classList.add("scripted");

  // A cell's key: its number, or its text; what is not known has none and stays at the end.
  const key = (row, column, isText) => {
    const cell = row.cells[column];
    if (isText) return cell.dataset.key ?? cell.textContent.trim();
    return cell.dataset.key === undefined ? null : Number(cell.dataset.key);
  };

  const compare = (a, b, isText) => (isText ? a.localeCompare(b, "en", { numeric: true }) : a - b);

  const sort = (table, column, descending) => {
    const head = table.tHead.rows[0].cells[column];
    const isText = head.firstElementChild.dataset.order === "text";
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [key(row, column, isText), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return descending ? compare(b, a, isText) : compare(a, b, isText);
    });
    body.append(...rows.map(([, row]) => row));
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    say(`Sorted by ${head.textContent.trim()}, ${descending ? "descending" : "ascending"}.`);
  };

  // On a narrow screen rows are cards without a head: a list beside them sorts.
  const chooser = (table) => {
    const label = document.createElement("label");
    label.className = "sort";
    label.textContent = "Sort by ";
    const select = document.createElement("select");
    Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
      const name = cell.textContent.trim();
      const first = cell.firstElementChild.dataset.order === "large";
      for (const descending of first ? [true, false] : [false, true]) {
        const option = document.createElement("option");
        option.value = `${column} ${descending}`;
        option.textContent = `${name} ${descending ? "↓" : "↑"}`;
        select.append(option);
      }
    });
    select.selectedIndex = 0;
    select.addEventListener("change", () => {
      const [column, descending] = select.value.split(" ");
      sort(table, Number(column), descending === "true");
    });
    label.append(select);
    table.before(label);
  };

  for (const table of document.querySelectorAll("table")) {
    chooser(table);
    Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
      cell.firstElementChild.addEventListener("click", () => {
        const now = cell.getAttribute("aria-sort");
        const first = cell.firstElementChild.dataset.order === "large";
        sort(table, column, now === null ? first : now === "ascending");
      });
    });
  }

  const select = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  // A page from a file may be kept from the clipboard: then by the older way, or by hand.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      select(code);
      return document.execCommand("copy");
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      const done = await copy(code);
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      say(done ? "Copied." : "The text is selected: press Ctrl+C.");
      setTimeout(() => { button.textContent = "Copy"; }, 2500);
    });
  }

  for (const button of document.querySelectorAll("button.all")) {
    button.addEventListener("click", () => {
      const open = button.dataset.open === "true";
      for (const node of document.querySelectorAll(".tree details")) node.open = open;
      say(open ? "All nodes are open." : "All nodes are closed.");
    });
  }

  // Paper cannot be opened.
  let closed = [];
  addEventListener("beforeprint", () => {
    const found = Array.from(document.querySelectorAll("details:not([open])"));
    for (const node of found) node.open = true;
    closed.push(...found);
  });
  addEventListener("afterprint", () => {
    for (const node of closed) node.open = false;
    closed = [];
  });
})();

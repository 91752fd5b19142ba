// Asks for the calls that came after the last one shown and puts them on top. Without this script the page is reloaded by hand.
(function () {
  "use strict";
  var list = document.getElementById("chiamate");
  if (!list || !list.dataset.nuove) { return; }
  var last = Number(list.dataset.ultima);
  var stato = document.getElementById("stato");
  var EVERY_MS = 1500, ROWS_MAX = 200;

  function place(call) {
    // Markup of ours alone: the words of others are escaped in it.
    var box = document.createElement("template");
    box.innerHTML = call.riga;
    var row = box.content.firstElementChild;
    var before = Array.prototype.find.call(list.children, function (other) { return Number(other.dataset.id) < call.id; });
    list.insertBefore(row, before || null);
    last = Math.max(last, call.id);
    offer("operazione", call.operazione);
    offer("applicazione", call.applicazione);
  }

  // What may be chosen in the filters grows with what is called.
  function offer(name, word) {
    var choice = document.getElementById(name);
    var known = Array.prototype.some.call(choice.options, function (option) { return option.value === word; });
    if (word && !known) { choice.add(new Option(word, word)); }
  }

  function show(body) {
    var fresh = body.chiamate.filter(function (call) { return !list.querySelector('[data-id="' + call.id + '"]'); });
    fresh.forEach(place);
    while (list.children.length > ROWS_MAX) { list.lastElementChild.remove(); }
    if (fresh.length) {
      document.getElementById("nessuna").hidden = true;
      stato.textContent = fresh.length === 1 ? "Una chiamata nuova" : fresh.length + " chiamate nuove";
    }
  }

  function ask() {
    var url = new URL(list.dataset.nuove, location.href);
    url.searchParams.set("dopo", last);
    fetch(url, { cache: "no-store", redirect: "error", headers: { Accept: "application/json" } })
      .then(function (answer) { return answer.ok ? answer.json() : Promise.reject(answer.status); })
      .then(show)
      .catch(function () { stato.textContent = "L’elenco non si aggiorna: l’hub non risponde, o bisogna accedere di nuovo."; })
      .then(function () { setTimeout(ask, document.hidden ? EVERY_MS * 4 : EVERY_MS); });
  }

  setTimeout(ask, EVERY_MS);
})();

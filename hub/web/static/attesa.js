// Asks where the payment stands and goes on when the page of the session has something new to show.
// Without this script the page reloads itself.
(function () {
  "use strict";
  var box = document.querySelector("[data-attesa]");
  if (!box) { return; }
  var started = Date.now();

  function pause() {
    var elapsed = Date.now() - started;
    return elapsed < 3000 ? 300 : elapsed < 30000 ? 1000 : 5000;
  }

  function again() {
    var slow = document.getElementById("messaggio-lento");
    var message = document.getElementById("messaggio");
    if (slow && Date.now() - started > 15000 && message.textContent !== slow.textContent) {
      message.textContent = slow.textContent;
    }
    setTimeout(ask, pause());
  }

  function ask() {
    fetch(box.dataset.stato, { cache: "no-store", headers: { Accept: "application/json" } })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (body) {
        if (body && body.vista !== box.dataset.attesa) {
          location.replace(body.vai);
        } else {
          again();
        }
      })
      .catch(again);
  }

  setTimeout(ask, 200);
})();

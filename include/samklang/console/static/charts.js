// The charts of the overview, from the figures that stand beside them.
(() => {
  "use strict";
  const charts = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const KINDS = {
    records: [
      ["created", "--good", (run) => run.created],
      ["updated", "--accent", (run) => run.updated],
      ["skipped", "--quiet", (run) => run.skipped],
      ["failed", "--bad", (run) => run.failed],
    ],
    seconds: [["seconds", "--accent", (run) => run.seconds]],
    requests: [
      ["PowerOffice Go", "--accent", (run) => run.requests.powerofficego ?? 0],
      ["Shopify", "--good", (run) => run.requests.shopify ?? 0],
    ],
  };
  const draw = () => {
    for (const chart of charts.splice(0)) chart.destroy();
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const runs = JSON.parse(canvas.dataset.runs);
      const series = KINDS[canvas.dataset.chart];
      const scale = { stacked: true, ticks: { color: colour("--text"), maxTicksLimit: 6 }, grid: { color: colour("--line") } };
      charts.push(
        new window.Chart(canvas, {
          type: "bar",
          data: {
            labels: runs.map((run) => run.at.slice(5, 16).replace("T", " ")),
            datasets: series.map(([label, name, value]) => ({ label, data: runs.map(value), backgroundColor: colour(name) })),
          },
          options: {
            animation: false,
            maintainAspectRatio: false,
            scales: { x: { ...scale, grid: { display: false } }, y: { ...scale, beginAtZero: true } },
            plugins: { legend: { display: series.length > 1, labels: { color: colour("--text"), boxWidth: 12 } } },
          },
        }),
      );
    }
  };
  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("samklang:theme", draw);
})();

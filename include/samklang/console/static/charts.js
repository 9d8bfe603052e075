// The charts of the overview, from the figures that stand beside them.
(() => {
  "use strict";
  const charts = [];
  const probe = document.createElement("canvas").getContext("2d");
  const colour = (name) => {
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return probe.fillStyle; // in a form that Chart.js understands
  };
  const KINDS = {
    records: [
      ["created", "--created", (run) => run.created],
      ["updated", "--updated", (run) => run.updated],
      ["skipped", "--skipped", (run) => run.skipped],
      ["failed", "--failed", (run) => run.failed],
    ],
    seconds: [["seconds", "--updated", (run) => run.seconds]],
    requests: [
      ["PowerOffice Go", "--updated", (run) => run.requests.powerofficego ?? 0],
      ["Shopify", "--created", (run) => run.requests.shopify ?? 0],
    ],
  };
  const whole = (value) => (Number.isInteger(value) ? value.toLocaleString("en") : "");
  const draw = () => {
    for (const chart of charts.splice(0)) chart.destroy();
    window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const runs = JSON.parse(canvas.dataset.runs);
      const series = KINDS[canvas.dataset.chart];
      const ticks = { color: colour("--fg-muted"), maxTicksLimit: 5, maxRotation: 0, autoSkipPadding: 16 };
      const line = { color: colour("--border") };
      charts.push(
        new window.Chart(canvas, {
          type: "bar",
          data: {
            labels: runs.map((run) => run.at.slice(5, 16).replace("T", " ")),
            datasets: series.map(([label, name, value]) => ({
              label,
              data: runs.map(value),
              backgroundColor: colour(name),
              borderRadius: 2,
              maxBarThickness: 28,
            })),
          },
          options: {
            animation: false,
            maintainAspectRatio: false,
            interaction: { mode: "index", intersect: false },
            scales: {
              x: { stacked: true, ticks, grid: { display: false }, border: line },
              y: { stacked: true, beginAtZero: true, ticks: { ...ticks, callback: whole }, grid: line, border: { display: false } },
            },
            plugins: {
              legend: { display: series.length > 1, align: "start", labels: { color: colour("--fg"), boxWidth: 10, boxHeight: 10 } },
              tooltip: { callbacks: { afterTitle: (items) => runs[items[0].dataIndex].state } },
            },
          },
        }),
      );
    }
  };
  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("samklang:theme", draw);
})();

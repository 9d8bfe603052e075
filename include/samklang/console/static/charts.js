// The charts of the overview, from the figures that stand beside them.
(() => {
  "use strict";
  const charts = [];
  const probe = document.createElement("canvas").getContext("2d");
  const colour = (name) => {
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return probe.fillStyle; // in a form that Chart.js understands
  };
  const percent = (share) => (share === undefined ? null : Math.round(share * 1000) / 10);
  const KINDS = {
    records: [
      ["created", "--created", (run) => run.created],
      ["updated", "--updated", (run) => run.updated],
      ["skipped", "--skipped", (run) => run.skipped],
      ["failed", "--failed", (run) => run.failed],
    ],
    seconds: [["seconds", "--updated", (run) => run.seconds]],
    budget: [
      ["PowerOffice Go", "--updated", (run) => percent(run.budget.powerofficego), (run) => run.requests.powerofficego],
      ["Shopify", "--created", (run) => percent(run.budget.shopify), (run) => run.requests.shopify],
    ],
  };
  const APART = ["budget"]; // parts of different wholes do not add up
  const whole = (value) => (Number.isInteger(value) ? value.toLocaleString("en") : "");
  const draw = () => {
    for (const chart of charts.splice(0)) chart.destroy();
    window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const runs = JSON.parse(canvas.dataset.runs);
      const series = KINDS[canvas.dataset.chart];
      const stacked = !APART.includes(canvas.dataset.chart);
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
              x: { stacked, ticks, grid: { display: false }, border: line },
              y: { stacked, beginAtZero: true, ticks: { ...ticks, callback: whole }, grid: line, border: { display: false } },
            },
            plugins: {
              legend: { display: series.length > 1, align: "start", labels: { color: colour("--fg"), boxWidth: 10, boxHeight: 10 } },
              tooltip: {
                callbacks: {
                  afterTitle: (items) => runs[items[0].dataIndex].state,
                  label: ({ datasetIndex, dataIndex, formattedValue }) => {
                    const [label, , , sent] = series[datasetIndex];
                    const requests = sent ? ` % (${sent(runs[dataIndex]) ?? 0} requests)` : "";
                    return `${label}: ${formattedValue}${requests}`;
                  },
                },
              },
            },
          },
        }),
      );
    }
  };
  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("samklang:theme", draw);
})();

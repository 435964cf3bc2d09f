// The prices of Cloudflare in dollars, of the plan Workers Paid, as known on 2026-11-30 from
// stored copies of its pages. Compare them with developers.cloudflare.com: the pages
// workers/platform/pricing, durable-objects/platform/pricing and d1/platform/pricing. Each
// quantity has what a month includes, and the price of a unit beyond that.
const million = 1e6;

export const prices = {
  plan: 5,
  quantities: {
    "Worker requests": { included: 10 * million, price: 0.3 / million },
    "Worker CPU, ms": { included: 30 * million, price: 0.02 / million },
    "object requests": { included: 1 * million, price: 0.15 / million },
    "object duration, GB-s": { included: 400_000, price: 12.5 / million },
    "object rows read": { included: 25_000 * million, price: 0.001 / million },
    "object rows written": { included: 50 * million, price: 1 / million },
    "object storage, GB": { included: 5, price: 0.2 },
    "D1 rows read": { included: 25_000 * million, price: 0.001 / million },
    "D1 rows written": { included: 50 * million, price: 1 / million },
    "D1 storage, GB": { included: 5, price: 0.75 },
  },
};

export const OBJECT_GB = 0.128; // is billed for each object that is awake
export const MESSAGES_PER_REQUEST = 20; // that a client sends over a WebSocket

// bill returns the dollars of a month for each of these quantities, and their sum with the plan.
export function bill(quantities) {
  const dollars = {};
  for (const [name, { included, price }] of Object.entries(prices.quantities)) {
    dollars[name] = Math.max(0, quantities[name] - included) * price;
  }
  return { dollars, total: prices.plan + Object.values(dollars).reduce((sum, n) => sum + n, 0) };
}

/** Random numbers from a seed, by mulberry32. */
export const dice = seed => {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const int = n => Math.floor(next() * n)
  const pick = list => list[int(list.length)]
  const chance = p => next() < p
  const shuffle = list => {
    for (let i = list.length - 1; i > 0; i--) {
      const j = int(i + 1);
      [list[i], list[j]] = [list[j], list[i]]
    }
    return list
  }
  return { next, int, pick, chance, shuffle }
}

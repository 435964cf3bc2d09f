import { useEffect, useState } from "react";

const themes = ["system", "light", "dark"] as const;
const key = "tidemark-theme";

/** Changes between the device's theme, light and dark. */
export function ThemeButton() {
  const [theme, setTheme] = useState(() => themes.find((t) => t === localStorage.getItem(key)) ?? "system");
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(key, theme);
  }, [theme]);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!;
  return (
    <button type="button" className="quiet" onClick={() => setTheme(next)} aria-label={`Theme: ${theme}. Change to ${next}.`} title={`Theme: ${theme}`}>
      <span aria-hidden="true">{{ system: "◐", light: "☀", dark: "☾" }[theme]}</span>
    </button>
  );
}

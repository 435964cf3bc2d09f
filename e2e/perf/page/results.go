package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// results are what the sections of the benchmarks measured, by their name.
type results map[string]*section

// A section is a file that ../results.mjs has written.
type section struct {
	Date, Commit string
	Machine      struct {
		CPU           string
		Cores         int
		MemoryGB      float64
		Node, Workerd string
	}
	LoadBefore    float64 // of one minute
	CoresOfOthers float64 // what other processes used meanwhile
	Seconds       float64
	Tables        []*table
}

type table struct {
	Name, Title string
	Rows        []*row
}

// A row has a name in several parts, such as the request, the connections and the target.
type row struct {
	Of              map[string]any
	Figures, Ratios figures
}

// figures are in the order of the file.
type figures []named

type named struct {
	name string
	figure
}

func (f *figures) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil { // {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		one := named{name: fmt.Sprint(name)}
		if err := decoder.Decode(&one.figure); err != nil {
			return err
		}
		*f = append(*f, one)
	}
	return nil
}

func (f figures) of(name string) (figure, bool) {
	for _, one := range f {
		if one.name == name {
			return one.figure, true
		}
	}
	return figure{}, false
}

// A figure is a median, the ends of the interval that it is in with a probability of 95 %, and how
// many rounds it is of; or a text.
type figure struct {
	Median, Low, High float64
	Rounds            int
	Text              string
}

func (f *figure) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &f.Text)
	}
	var numbers [4]float64
	if err := json.Unmarshal(data, &numbers); err != nil {
		return err
	}
	f.Median, f.Low, f.High, f.Rounds = numbers[0], numbers[1], numbers[2], int(numbers[3])
	return nil
}

func readResults(dir string) (results, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	all := results{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var one section
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = &one
	}
	return all, nil
}

func (r results) table(name, table string) (*table, error) {
	s, ok := r[name]
	if !ok {
		return nil, fmt.Errorf("there are no results of section %s: run make bench SECTIONS=%s", name, name)
	}
	for _, t := range s.Tables {
		if t.Name == table {
			return t, nil
		}
	}
	return nil, fmt.Errorf("section %s has no table %s", name, table)
}

// sections returns a table of all sections: when each was measured, and how long it took.
func (r results) sections() string {
	total := 0.0
	var body [][]string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		s := r[name]
		total += s.Seconds
		body = append(body, []string{"`" + name + "`", s.Date, s.Commit, number(float64(s.rounds())), minutes(s.Seconds), number(s.LoadBefore), number(s.CoresOfOthers)})
	}
	body = append(body, []string{"together", "", "", "", minutes(total), "", ""})
	return lines([]string{"section", "date", "commit", "rounds", "minutes", "load before", "cores of others"}, body)
}

func minutes(seconds float64) string { return number(math.Round(seconds/6) / 10) }

// run says where and when a section was measured.
func (r results) run(name string) (string, error) {
	s, ok := r[name]
	if !ok {
		return "", fmt.Errorf("there are no results of section %s: run make bench SECTIONS=%s", name, name)
	}
	rounds := "one run"
	if n := s.rounds(); n > 1 {
		rounds = fmt.Sprintf("%d rounds", n)
	}
	return fmt.Sprintf("%s, commit %s, %s on %d cores of %s; the load before was %s, and other processes used %s cores meanwhile",
		s.Date, s.Commit, rounds, s.Machine.Cores, s.Machine.CPU, number(s.LoadBefore), number(s.CoresOfOthers)), nil
}

// rounds returns the fewest rounds of a figure that has more than one, or 1.
func (s *section) rounds() int {
	fewest := math.MaxInt
	for _, t := range s.Tables {
		for _, row := range t.Rows {
			for _, f := range slices.Concat(row.Figures, row.Ratios) {
				if f.Rounds > 1 {
					fewest = min(fewest, f.Rounds)
				}
			}
		}
	}
	if fewest == math.MaxInt {
		return 1
	}
	return fewest
}

// wide says whether a ratio must not be quoted: its interval is wider than 20 % of it, or it has
// less than five rounds. ../results.mjs has the same rule.
func (f figure) wide() bool {
	return f.Rounds < 5 || f.High-f.Low > 0.2001*math.Abs(f.Median)
}

// show is a figure as text: with half of its interval, or as its interval if it is a wide ratio.
func (f figure) show(isRatio bool) string {
	switch {
	case f.Text != "":
		return f.Text
	case isRatio && f.wide() && f.Rounds > 1:
		return number(f.Low) + "–" + number(f.High) + " ?"
	case isRatio && f.wide():
		return number(f.Median) + " ?"
	case f.Rounds == 1 || f.Median == 0:
		return number(f.Median)
	}
	return fmt.Sprintf("%s ±%d %%", number(f.Median), int(math.Ceil(50*(f.High-f.Low)/math.Abs(f.Median)-0.01)))
}

// number has at most two decimals below 10, one below 100, and commas between thousands.
func number(n float64) string {
	decimals := 0
	if size := math.Abs(n); size < 10 {
		decimals = 2
	} else if size < 100 {
		decimals = 1
	}
	text := strconv.FormatFloat(n, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	sign, whole, rest := "", text, ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if at := strings.IndexByte(whole, '.'); at >= 0 {
		whole, rest = whole[:at], whole[at:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	return sign + whole + rest
}

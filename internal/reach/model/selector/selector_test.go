package selector_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach/model/selector"
)

func TestMatches(t *testing.T) {
	labels := selector.Map{"app": "web", "tier": "", "projectcalico.org/namespace": "shop", "all": "x", "a.b/c-d_e": "f"}
	for _, c := range []struct {
		text string
		want bool
	}{
		{"", true},
		{"  \t ", true},
		{"all()", true},
		{"all( )", true},
		{"!all()", false},
		{"global()", false},
		{`app == "web"`, true},
		{`app=='web'`, true},
		{`app != "web"`, false},
		{`gone != "web"`, true},
		{`gone == ""`, false},
		{`tier == ""`, true},
		{`app in {"web", 'db'}`, true},
		{`app in {"web",}`, true},
		{`app in {}`, false},
		{`app not in {}`, true},
		{`app not in {"web"}`, false},
		{`app notin {"db"}`, true},
		{`gone not in {"web"}`, true},
		{`app contains "e"`, true},
		{`gone contains ""`, false},
		{`app starts with "we"`, true},
		{`app startswith "we"`, true},
		{`app ends with "eb"`, true},
		{`app ends with "we"`, false},
		{`has(app)`, true},
		{`has( tier )`, true},
		{`!has(app)`, false},
		{`!!has(app)`, true},
		{`! ! ! has(app)`, false},
		{`has(gone) && has(app) || has(tier)`, true},
		{`has(tier) || has(gone) && has(gone)`, true},
		{`(has(tier) || has(gone)) && has(gone)`, false},
		{`!(has(gone)) && !has(gone)`, true},
		{`all == "x"`, true},
		{`has(all)`, true},
		{`a.b/c-d_e == "f"`, true},
		{`app == "web" && (tier == 'x' || tier != "y")`, true},
	} {
		s, err := selector.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := s.Matches(labels); got != c.want {
			t.Errorf("%s is %t, want %t", c.text, got, c.want)
		}
		again, err := selector.Parse(s.String())
		if err != nil || again.Matches(labels) != c.want {
			t.Errorf("%s printed as %s, which is another selector (%v)", c.text, s, err)
		}
	}
}

func TestNamespaced(t *testing.T) {
	none := selector.Map{}
	for text, want := range map[string]bool{"all()": false, "global()": true, "!all()": true, "all() || has(x)": false, `x != "y"`: true} {
		s, err := selector.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Namespaced().Matches(none); got != want {
			t.Errorf("%s as a namespaceSelector on something global is %t, want %t", text, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		`app`:                    `selector "app": at 4: want ==, !=, in, not in, contains, starts with or ends with, have the end`,
		`app = "web"`:            `selector "app = \"web\"": at 5: unexpected '='`,
		`app == web`:             `selector "app == web": at 8: want a string in quotes, have "web"`,
		`app == "web`:            `selector "app == \"web": at 8: the string is not closed`,
		`(has(a)`:                `selector "(has(a)": at 8: want ), have the end`,
		`has(a))`:                `selector "has(a))": at 7: want && or ||, have ")"`,
		`has(a) has(b)`:          `selector "has(a) has(b)": at 8: want && or ||, have "has"`,
		`&& has(a)`:              `selector "&& has(a)": at 1: want a label, has(), all() or (, have "&&"`,
		`any()`:                  `selector "any()": there is no function any(): use has(), all() or global()`,
		`has (a)`:                `selector "has (a)": at 5: want ==, !=, in, not in, contains, starts with or ends with, have "("`,
		`app in "web"`:           `selector "app in \"web\"": at 8: want {, have "web"`,
		`app in {"a" "b"}`:       `selector "app in {\"a\" \"b\"}": at 13: want }, have "b"`,
		`app not "a"`:            `selector "app not \"a\"": at 9: want ==, !=, in, not in, contains, starts with or ends with, have "a"`,
		strings.Repeat("(", 600): `selector "` + strings.Repeat("(", 600) + `": more than 512 nested parentheses`,
	} {
		if _, err := selector.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
	}
}

// FuzzSelector: no input makes the parser panic, and what it prints is the same selector.
func FuzzSelector(f *testing.F) {
	for _, seed := range []string{
		"", "all()", `app == "web" && !(tier in {'a', "b"} || has(x))`, `a starts with "b"`, `x notin{}`, `!global()`, `((((`, "a b c", `a=="'"`,
	} {
		f.Add(seed, "a", "b")
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		s, err := selector.Parse(text)
		if err != nil {
			return
		}
		again, err := selector.Parse(s.String())
		if err != nil {
			t.Fatalf("%q printed as %q: %v", text, s, err)
		}
		labels := selector.Map{key: value}
		s.Keys(func(k string) { labels[k] = value })
		for _, l := range []selector.Map{labels, {key: value}, {}} {
			if s.Matches(l) != again.Matches(l) || s.Namespaced().Matches(l) != again.Namespaced().Matches(l) {
				t.Fatalf("%q and its printed form %q differ on %v", text, s, l)
			}
		}
	})
}

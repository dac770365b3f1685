package discover

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
)

// exclude leaves out the discovered edges that a pattern "FROM -> TO" matches.
func (f *finder) exclude(patterns []string) error {
	var errs []error
	for _, p := range patterns {
		from, to, ok := strings.Cut(p, "->")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		_, badFrom := path.Match(from, "")
		_, badTo := path.Match(to, "")
		if !ok || badFrom != nil || badTo != nil {
			errs = append(errs, fmt.Errorf("exclude pattern %q: write \"FROM -> TO\", where * stands for any part of a name", p))
			continue
		}
		maps.DeleteFunc(f.found, func(e reach.Edge, _ reach.Expectation) bool {
			return matches(from, e.From) && matches(to, e.To)
		})
	}
	return errors.Join(errs...)
}

// matches takes * alone for anything, and a pattern without a port for every port.
func matches(pattern, endpoint string) bool {
	if pattern == "*" {
		return true
	}
	object, _, _ := strings.Cut(endpoint, ":")
	whole, _ := path.Match(pattern, endpoint) // the pattern was tried before
	bare, _ := path.Match(pattern, object)
	return whole || bare
}

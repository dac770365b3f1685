package apply

import (
	"context"
	"errors"
	"net/url"
	"testing"

	"github.com/stagegate/stagegate/internal/lock"
)

func TestTransient(t *testing.T) {
	during := func(err error) error { return &url.Error{Op: "Patch", URL: "https://cluster", Err: err} }
	for _, test := range []struct {
		err  error
		want bool
	}{
		{during(errors.New("connection reset by peer")), true},
		{during(context.Canceled), false},
		{during(lock.ErrLost), false},
	} {
		if got := transient(test.err); got != test.want {
			t.Errorf("transient(%v) = %t, want %t", test.err, got, test.want)
		}
	}
}

package apply

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var (
	webhookDenies = regexp.MustCompile(`admission webhook "([^"]+)" denied the request`)
	webhookFails  = regexp.MustCompile(`failed calling webhook "([^"]+)"`)
	managerName   = regexp.MustCompile(`conflict with "([^"]+)"`)
)

// explain says what to do about an API server's refusal of an object.
func explain(o *object, err error) error {
	if err == nil {
		return nil
	}
	err = withRemedy(err)
	if o.key.Kind == "Secret" {
		err = scrub(o.Unstructured, err)
	}
	if o.source == "" {
		return fmt.Errorf("%s: %w", o.key, err)
	}
	return fmt.Errorf("%s: %s: %w", o.source, o.key, err)
}

func withRemedy(err error) error {
	if c := conflicts(err); c != "" {
		return fmt.Errorf("%s: take these fields out of the change, or let their owner give them up first: %w", c, ErrConflict)
	}
	message := err.Error()
	if m := webhookDenies.FindStringSubmatch(message); m != nil {
		return fmt.Errorf("admission webhook %s refuses it: change the object to what the webhook asks for: %w", m[1], err)
	}
	if m := webhookFails.FindStringSubmatch(message); m != nil {
		return fmt.Errorf("admission webhook %s could not be called and its failurePolicy is Fail: mend it or remove its configuration: %w", m[1], err)
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) && apierrors.IsNotFound(err) {
		if d := status.Status().Details; d != nil && d.Kind == "namespaces" {
			return fmt.Errorf("namespace %q is absent: add it to the change, or create it first: %w", d.Name, err)
		}
	}
	return err
}

// ErrConflict is wrapped where fields of the change belong to another field manager.
var ErrConflict = errors.New("fields have another owner")

// conflicts names owners and fields, such as `"kubectl" owns .spec.replicas`.
func conflicts(err error) string {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	fields := map[string][]string{}
	for _, c := range status.Status().Details.Causes {
		if c.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		owner := c.Message
		if m := managerName.FindStringSubmatch(c.Message); m != nil {
			owner = m[1]
		}
		fields[owner] = append(fields[owner], c.Field)
	}
	var out []string
	for owner, f := range fields {
		out = append(out, fmt.Sprintf("%q owns %s", owner, strings.Join(f, ", ")))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// scrub takes a Secret's values out of an error's text; API servers quote what they refuse.
func scrub(secret *unstructured.Unstructured, err error) error {
	text := err.Error()
	for _, field := range []string{"data", "stringData"} {
		values, _, _ := unstructured.NestedMap(secret.Object, field)
		for _, v := range values {
			s := fmt.Sprint(v)
			for _, form := range []string{s, decoded(s)} {
				if form != "" {
					text = strings.ReplaceAll(text, form, masked)
				}
			}
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

func decoded(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

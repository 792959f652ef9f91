"""One-vs-rest linear classifiers over any numeric features, kept as two arrays."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data


class LinearHead(ClassifierMixin, BaseEstimator):
    """An independent linear classifier a domain.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the L2 penalty, > 0.
    loss : {"squared_hinge", "log_loss"}, default="squared_hinge"
        A linear support vector machine or logistic regression.
    positive_weight : float, default=1.0
        Weight of a positive text where a negative one weighs 1, > 0.
    tol : float, default=1e-4
        Change below which a fit has converged, > 0.
    max_iter : int, default=5000
        Most iterations of a column's fit.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        With indicator targets, the column numbers.
    coef_ : ndarray of shape (n_columns, n_features), float64
    intercept_ : ndarray of shape (n_columns,), float64
    n_iter_ : int
        Most iterations that a column took.

    Notes
    -----
    Takes indicator targets of shape (n_texts, n_domains), where it is multi-label, and
    one-dimensional targets like any scikit-learn classifier. A column without a single
    positive (or negative) text gets the constant that says so.
    """

    def __init__(self, C=1.0, loss="squared_hinge", positive_weight=1.0, tol=1e-4, max_iter=5000):
        self.C = C
        self.loss = loss
        self.positive_weight = positive_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y):
        """Fit on X of shape (n_texts, n_features), dense or sparse.

        `y` is 0 or 1 of shape (n_texts, n_domains), or classes of shape (n_texts,).

        Raises
        ------
        ValueError
            Shapes that differ, NaN or infinity in X, one class alone, or an unknown loss.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True)
        check_classification_targets(y)
        fits = [self._fit_column(X, column) for column in self._targets(y).T]
        self.coef_ = np.vstack([coef for coef, _, _ in fits])
        self.intercept_ = np.array([intercept for _, intercept, _ in fits])
        self.n_iter_ = max(n_iter for _, _, n_iter in fits)
        return self

    def _targets(self, y) -> np.ndarray:
        """Targets as indicator columns; sets `classes_` and `multilabel_`."""
        self.multilabel_ = y.ndim == 2 and (y.shape[1] > 1 or bool(np.isin(y, (0, 1)).all()))
        if self.multilabel_ and y.shape[1] == 1:  # a single domain, which a binarizer takes for a vector
            self.classes_ = np.arange(1)
            return y
        y = y if self.multilabel_ else column_or_1d(y, warn=True)
        binarizer = LabelBinarizer().fit(y)
        self.classes_ = binarizer.classes_
        if not self.multilabel_ and len(self.classes_) < 2:
            raise ValueError("LinearHead needs 2 classes in y; got 1 class")
        return binarizer.transform(y)

    def _fit_column(self, X, target) -> tuple[np.ndarray, float, int]:
        if target.min() == target.max():
            return np.zeros(X.shape[1]), 20.0 if target[0] else -20.0, 0
        model = self._new_classifier()
        model.fit(X, target)
        return model.coef_[0], float(model.intercept_[0]), int(np.max(model.n_iter_))

    def _new_classifier(self) -> LinearSVC | LogisticRegression:
        weights = {0: 1.0, 1: float(self.positive_weight)}
        common = {"C": self.C, "tol": self.tol, "max_iter": self.max_iter, "class_weight": weights}
        if self.loss == "squared_hinge":
            return LinearSVC(random_state=0, **common)
        if self.loss == "log_loss":
            return LogisticRegression(solver="liblinear", random_state=0, **common)
        raise ValueError(f"loss {self.loss!r}, expected 'squared_hinge' or 'log_loss'")

    def decision_function(self, X):
        """Signed distances or log-odds, by the loss, float64.

        Shape (n_texts, n_columns), or (n_texts,) for two classes.
        """
        check_is_fitted(self, "coef_")
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        scores = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 and not self.multilabel_ else scores

    def predict_proba(self, X):
        """Scores in [0, 1], float64, shape (n_texts, n_domains) or (n_texts, n_classes).

        Per column for multi-label targets, else summing to 1 over the classes.
        The sigmoid of the decision function: a probability for ``log_loss``, only a rank
        for ``squared_hinge`` until it is calibrated.
        """
        scores = self.decision_function(X)
        if self.multilabel_:
            return expit(scores)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        odds = expit(scores)
        return odds / np.clip(odds.sum(axis=1, keepdims=True), 1e-12, None)

    def predict(self, X):
        """Indicator rows for multi-label targets, else the class with the highest score."""
        scores = self.decision_function(X)
        if self.multilabel_:
            return (scores > 0).astype(int)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags

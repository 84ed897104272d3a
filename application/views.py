"""The admin's pages for each table."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqladmin import ModelView
from sqladmin.filters import AllUniqueStringValuesFilter, BooleanFilter, StaticValuesFilter
from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from wtforms import Form, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length, NumberRange, Optional, Regexp

from application import presentation
from application.authentication import EMAIL_PATTERN, may_use_admin, tidy_email
from application.errors import NotSaved
from application.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, hash_password
from models import AuditLog, Product, User

PASSWORD_LENGTH = Length(min=MINIMUM_LENGTH, max=MAXIMUM_LENGTH)
PASSWORD_LOOKS = {"class": "form-control", "autocomplete": "new-password"}


class ValuesFilter(AllUniqueStringValuesFilter):
    """The values that a column holds, in order and without the empty one."""

    async def lookups(
        self, request: Request, model: Any, run_query: Callable[[Select[Any]], Any]
    ) -> list[tuple[str, str]]:
        """The choices in the filter."""
        every, *values = await super().lookups(request, model, run_query)
        return [every, *sorted(choice for choice in values if choice[0])]


class RecordView(ModelView):
    """What the pages of all tables have in common."""

    page_size = 25
    column_type_formatters = presentation.LIST_FORMATTERS
    column_type_formatters_detail = presentation.DETAIL_FORMATTERS
    conflict: ClassVar[str] = "a value that has to be unique is taken, or other records still refer to this one"

    async def scaffold_form(self, rules: list[str] | None = None) -> type[Form]:
        """SQLAdmin adds to the lists of `form_args`, so each form gets lists of its own."""
        self.form_args = copy.deepcopy(type(self).form_args)
        return await super().scaffold_form(rules)

    async def insert_model(self, request: Request, data: dict[str, Any]) -> Any:
        """Create the record; what the database refuses is said in plain words."""
        with self._refusals_in_words():
            return await super().insert_model(request, data)

    async def update_model(self, request: Request, pk: str, data: dict[str, Any]) -> Any:
        """Change the record; what the database refuses is said in plain words."""
        with self._refusals_in_words():
            return await super().update_model(request, pk, data)

    async def delete_model(self, request: Request, pk: Any) -> None:
        """Delete the record; what the database refuses is said in plain words."""
        with self._refusals_in_words():
            await super().delete_model(request, pk)

    def details_query(self, request: Request) -> Select[Any]:
        """Every page of one record begins with this; a key that cannot be one is like one that nothing has."""
        try:
            return super().details_query(request)
        except ValueError as error:
            raise HTTPException(404) from error

    @contextmanager
    def _refusals_in_words(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            # not chained: the driver's words can hold the whole row, and SQLAdmin shows and logs them
            raise NotSaved(f"Not saved: {self.conflict}") from None


def password_fields(is_new: bool) -> dict[str, Any]:
    """The password twice; a user who is there already can keep the present one."""
    label = "Password" if is_new else "New password"
    keep = "" if is_new else " Leave it empty to keep the present one."
    return {
        "password": PasswordField(
            label,
            [InputRequired() if is_new else Optional(), PASSWORD_LENGTH],
            description=f"At least {MINIMUM_LENGTH} characters.{keep}",
            render_kw=PASSWORD_LOOKS,
        ),
        "password_again": PasswordField(
            f"{label} again", [EqualTo("password", "The two passwords differ.")], render_kw=PASSWORD_LOOKS
        ),
    }


class UserView(RecordView, model=User):
    """Users. The password goes in and is hashed; no page shows the hash."""

    name = "User"
    name_plural = "Users"
    icon = "fa-solid fa-user"
    category = "Access"
    category_icon = "fa-solid fa-lock"
    conflict = "another user has this email"

    column_labels = {
        User.id: "Key",
        User.email: "Email",
        User.is_active: "Active",
        User.is_staff: "Staff",
        User.is_superuser: "Superuser",
        User.group: "Group",
    }
    column_list = [User.email, User.is_active, User.is_superuser, User.is_staff, User.group, User.id]
    column_details_list = [User.id, User.email, User.is_active, User.is_superuser, User.is_staff, User.group]
    column_export_list = column_details_list
    column_searchable_list = [User.email, User.group]
    column_sortable_list = [User.email, User.is_active, User.is_superuser, User.is_staff, User.group]
    column_default_sort = (User.email, False)
    column_filters = [
        BooleanFilter(User.is_active, title="Active"),
        BooleanFilter(User.is_superuser, title="Superuser"),
        BooleanFilter(User.is_staff, title="Staff"),
    ]
    form_columns = [User.email, User.is_active, User.is_superuser, User.is_staff, User.group]
    form_create_rules = ["email", "is_active", "is_superuser", "is_staff", "group"]
    form_edit_rules = form_create_rules.copy()
    form_args = {
        "email": {
            "filters": [lambda text: tidy_email(text or "")],
            "validators": [Regexp(f"^{EMAIL_PATTERN}$", message="This is no email address.")],
        },
        "is_active": {"description": "Only active users can log in."},
        "is_superuser": {"description": "Superusers can use this admin and change everything in it."},
    }

    async def scaffold_form(self, rules: list[str] | None = None) -> type[Form]:
        """The table's fields, and a password that has to be given for a new user."""
        fields = await super().scaffold_form(rules)
        return type("UserForm", (fields,), password_fields(is_new=rules is self._form_create_rules))

    async def on_model_change(self, data: dict[str, Any], model: Any, is_created: bool, request: Request) -> None:
        """Turn the password into its hash, and keep the one who is at work from shutting himself out."""
        data.pop("password_again", None)
        if password := data.pop("password", None):
            data["hashed_password"] = await hash_password(password)
        if model.id == request.state.user.id and not may_use_admin(User(**{**model.model_dump(), **data})):
            raise NotSaved("Not saved: you would shut yourself out; another superuser can do this")

    async def check_can_delete(self, request: Request, model: Any) -> bool:
        """Everybody but the one who is at work."""
        return model is not None and model.id != request.state.user.id


class ProductView(RecordView, model=Product):
    """Products."""

    name = "Product"
    name_plural = "Products"
    icon = "fa-solid fa-box"
    category = "Catalogue"
    category_icon = "fa-solid fa-store"

    column_labels = {
        Product.id: "Key",
        Product.name: "Name",
        Product.description: "Description",
        Product.price: "Price",
        Product.category: "Category",
        Product.in_stock: "In stock",
        Product.created_at: "Created",
    }
    column_list = [Product.name, Product.category, Product.price, Product.in_stock, Product.created_at, Product.id]
    column_details_list = list(column_labels)
    column_export_list = list(column_labels)
    column_searchable_list = [Product.name, Product.category, Product.description]
    column_sortable_list = [Product.name, Product.category, Product.price, Product.in_stock, Product.created_at]
    column_default_sort = (Product.name, False)
    column_filters = [
        ValuesFilter(Product.category, title="Category"),
        BooleanFilter(Product.in_stock, title="In stock"),
    ]
    form_columns = [Product.name, Product.description, Product.category, Product.price, Product.in_stock]
    form_widget_args = {"description": {"rows": 4}}
    form_args = {"price": {"validators": [NumberRange(min=0, max=99_999_999)], "places": 2}}


class AuditLogView(RecordView, model=AuditLog):
    """The audit log, to be read only."""

    name = "Audit entry"
    name_plural = "Audit log"
    icon = "fa-solid fa-clock-rotate-left"
    category = "Access"
    category_icon = "fa-solid fa-lock"
    can_create = can_edit = can_delete = False

    column_labels = {
        AuditLog.id: "Number",
        AuditLog.created_at: "When",
        AuditLog.actor: "Who",
        AuditLog.user_id: "Key of the user",
        AuditLog.action: "Action",
        AuditLog.model: "Model",
        AuditLog.record_id: "Record",
        AuditLog.changes: "Changes",
    }
    column_list = [
        AuditLog.created_at,
        AuditLog.actor,
        AuditLog.action,
        AuditLog.model,
        AuditLog.record_id,
        AuditLog.changes,
    ]
    column_details_list = list(column_labels)
    column_export_list = list(column_labels)
    column_searchable_list = [AuditLog.actor, AuditLog.record_id]
    column_sortable_list = [AuditLog.created_at, AuditLog.actor]
    column_default_sort = (AuditLog.id, True)
    column_filters = [
        StaticValuesFilter(AuditLog.action, [(name, name) for name in presentation.ACTION_COLOURS], title="Action"),
        ValuesFilter(AuditLog.model, title="Model"),
    ]
    column_formatters = {
        AuditLog.action: presentation.show_action,
        AuditLog.record_id: presentation.show_record,
        AuditLog.changes: presentation.show_fields,
    }
    column_formatters_detail = {
        AuditLog.action: presentation.show_action,
        AuditLog.changes: presentation.show_changes,
    }

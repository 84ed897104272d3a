"""What is owed and what was paid."""

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Computed, Enum, ForeignKey, Index, Numeric, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Dated


class InvoiceStatus(enum.Enum):
    open = "open"
    paid = "paid"
    void = "void"


class PaymentMethod(enum.Enum):
    cash = "cash"
    transfer = "transfer"
    cheque = "cheque"


class FeeType(Base):
    __tablename__ = "fee_types"

    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    title: Mapped[str] = mapped_column(String(60))
    amount: Mapped[Decimal] = mapped_column(Numeric(6, 2))


class Fee(Base):
    __tablename__ = "fees"
    __table_args__ = (CheckConstraint("amount > 0", name="ck_fees_amount"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.person_id"), index=True)
    fee_code: Mapped[str] = mapped_column(ForeignKey("fee_types.code"))
    term_id: Mapped[int | None] = mapped_column(ForeignKey("terms.id"))
    amount: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    due_on: Mapped[date]


class Discount(Base):
    __tablename__ = "discounts"
    __table_args__ = (CheckConstraint("percent BETWEEN 0 AND 50", name="ck_discounts_percent"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fee_id: Mapped[int] = mapped_column(ForeignKey("fees.id"))
    percent: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str | None]


class Invoice(Dated, Base):
    __tablename__ = "invoices"
    __table_args__ = (
        Index(
            "ix_invoices_open", "due_on", sqlite_where=text("status = 'open'"), postgresql_where=text("status = 'open'")
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    status: Mapped[InvoiceStatus] = mapped_column(Enum(InvoiceStatus, name="invoice_status"), server_default="open")
    currency: Mapped[str] = mapped_column(String(3), server_default="EUR")
    due_on: Mapped[date | None]
    total: Mapped[Decimal] = mapped_column(comment="without tax")
    gross: Mapped[Decimal] = mapped_column(comment="with tax")


class InvoiceLine(Base):
    __tablename__ = "invoice_lines"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fee_id: Mapped[int | None] = mapped_column(ForeignKey("fees.id"))
    label: Mapped[str] = mapped_column(String(80))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), Computed("quantity * unit_price", persisted=True))


class Payment(Base):
    __tablename__ = "payments"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    amount: Mapped[Decimal]
    method: Mapped[PaymentMethod] = mapped_column(Enum(PaymentMethod, name="payment_method"))
    paid_at: Mapped[datetime]
    reference: Mapped[str | None] = mapped_column(String(40))


class BankAccount(Base):
    __tablename__ = "bank_accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    iban: Mapped[str] = mapped_column(String(34))
    holder: Mapped[str | None] = mapped_column(String(80))

"""What people write to each other, and what is kept."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Dated


class Document(Dated, Base):
    __tablename__ = "documents"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    title: Mapped[str]
    mime: Mapped[str] = mapped_column(String(60), server_default="application/pdf")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int | None]


class Message(Base):
    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    sender_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime] = mapped_column(index=True)
    priority: Mapped[str] = mapped_column(String(10), server_default="normal")


class MessageRecipient(Base):
    __tablename__ = "message_recipients"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    read_at: Mapped[datetime | None]
